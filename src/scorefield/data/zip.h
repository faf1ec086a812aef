// Reading zip archives (PKWARE APPNOTE 6.3), strictly: what is not plainly right is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/blob.h"

namespace scorefield {

struct ZipEntry {
  std::string name;
  bool is_deflated = false;
  std::size_t size = 0;             // of the content
  std::size_t compressed_size = 0;  // of its bytes in the archive
  std::size_t offset = 0;           // of those bytes
  std::uint32_t crc = 0;

  bool is_folder() const { return name.ends_with('/'); }
};

bool looks_like_zip(std::span<const std::byte> bytes);

/// An archive whose whole directory has been checked; entries are read one by one.
class ZipArchive {
 public:
  /// Throws Error (file and entry) on a broken or missing directory, lying sizes, overlapping entries, names that come
  /// twice or lead out of the archive, encryption, and methods other than stored and deflated.
  explicit ZipArchive(Blob file);

  /// The file's name.
  const std::string& name() const { return file_.name; }
  /// In the order of the directory.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// Null when there is none.
  const ZipEntry* find(std::string_view name) const;

  /// The content, checked against its size and CRC-32. A stored entry shares the archive's bytes; a deflated one is
  /// inflated, after a check against the memory limit. Throws Error. Safe to call from several threads.
  Blob read(const ZipEntry& entry, const Context& context) const;

 private:
  Blob file_;
  std::vector<ZipEntry> entries_;
  std::vector<std::size_t> by_name_;  // indices of entries_, sorted by name
};

}  // namespace scorefield

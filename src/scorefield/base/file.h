// Files: whole reads within a limit, memory maps, and writes that leave nothing half-written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"

namespace scorefield {

/// False also where the path cannot be looked at.
bool path_exists(const std::filesystem::path& path);

/// The whole of a regular file. Throws Error (with the path) when it cannot be read or is over the memory limit.
std::vector<std::byte> read_file(const std::filesystem::path& path, const Context& context);
std::string read_text(const std::filesystem::path& path, const Context& context);

/// A read-only memory map of a regular file; unmapped when the last copy goes.
class MappedFile {
 public:
  /// Throws Error (with the path) when it is not a regular file or cannot be mapped. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  std::span<const std::byte> bytes() const { return bytes_; }
  /// Keeps the map alive.
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

/// Writes beside the target and renames over it on commit(); without commit() nothing is left.
class AtomicFile {
 public:
  /// Throws Error (with the path) when the folder cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error when the disk is full or fails.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Bytes written so far.
  std::size_t size() const { return size_; }
  /// Overwrites bytes written before (a header whose sums are known only at the end).
  void overwrite(std::size_t offset, std::span<const std::byte> bytes);
  void commit();
  /// Where the bytes go until commit(), for libraries that write by path.
  const std::filesystem::path& temporary_path() const { return temporary_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace scorefield

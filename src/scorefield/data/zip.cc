#include "scorefield/data/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/data/inflate.h"

namespace scorefield {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kDirectorySignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kEnd64LocatorSignature = 0x07064b50;
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kDirectorySize = 46;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kEnd64LocatorSize = 20;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // the number stands in the 64-bit field
constexpr std::uint16_t kCountIn64 = 0xFFFF;

/// Reads the numbers of one archive, never beyond its end.
class Numbers {
 public:
  explicit Numbers(const Blob& file) : file_(file) {}

  std::uint16_t u16(std::size_t at) const { return load<std::uint16_t>(at); }
  std::uint32_t u32(std::size_t at) const { return load<std::uint32_t>(at); }
  std::uint64_t u64(std::size_t at) const { return load<std::uint64_t>(at); }
  std::string_view text(std::size_t at, std::size_t length) const {
    need(at, length);
    return {reinterpret_cast<const char*>(file_.bytes.data()) + at, length};
  }
  std::size_t size() const { return file_.bytes.size(); }
  void need(std::size_t at, std::size_t length) const {
    if (at > size() || length > size() - at) {
      throw Error(fmt::format("{}: byte {}: the zip refers beyond its end (byte {})", file_.name, at, size()));
    }
  }
  [[noreturn]] void fail(std::size_t at, std::string_view why) const {
    throw Error(fmt::format("{}: byte {}: {}", file_.name, at, why));
  }

 private:
  template <class T>
  T load(std::size_t at) const {
    need(at, sizeof(T));
    return load_little_endian<T>(file_.bytes, at);
  }
  const Blob& file_;
};

struct Directory {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::size_t count = 0;
};

/// The end record stands at the very end of the file, before a comment whose length it says.
std::size_t find_end_record(const Numbers& zip, const std::string& name) {
  constexpr std::size_t kLongestComment = 0xFFFF;
  if (zip.size() >= kEndSize) {
    const std::size_t last = zip.size() - kEndSize;
    const std::size_t first = last > kLongestComment ? last - kLongestComment : 0;
    for (std::size_t at = last + 1; at-- > first;) {
      if (zip.u32(at) == kEndSignature && zip.u16(at + 20) == last - at) return at;
    }
  }
  throw Error(fmt::format("{}: no zip directory at the end of the file; it is cut short or not a zip", name));
}

Directory read_directory_place(const Numbers& zip, std::size_t end) {
  if (zip.u16(end + 4) != 0 || zip.u16(end + 6) != 0) zip.fail(end, "a zip of several disks is not read");
  Directory place{zip.u32(end + 16), zip.u32(end + 12), zip.u16(end + 10)};
  std::size_t limit = end;
  if (place.count == kCountIn64 || place.size == kIn64 || place.offset == kIn64) {
    const std::size_t locator = end - std::min(end, kEnd64LocatorSize);
    if (zip.u32(locator) != kEnd64LocatorSignature) zip.fail(end, "the zip64 directory is missing");
    const std::size_t record = zip.u64(locator + 8);
    zip.need(record, kEnd64Size);
    if (zip.u32(record) != kEnd64Signature) zip.fail(record, "the zip64 directory is missing");
    place = {zip.u64(record + 48), zip.u64(record + 40), zip.u64(record + 32)};
    limit = record;
  }
  if (place.offset > limit || place.size > limit - place.offset) {
    zip.fail(end, fmt::format("the zip directory (byte {}, {} bytes) does not lie before its end record", place.offset,
                              place.size));
  }
  if (place.count > place.size / kDirectorySize) {
    zip.fail(end, fmt::format("{} entries do not fit a zip directory of {} bytes", place.count, place.size));
  }
  return place;
}

bool leads_outside(std::string_view name) {
  if (name.front() == '/' || name.find('\\') != std::string_view::npos || name.find(':') != std::string_view::npos) {
    return true;
  }
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

/// Replaces the numbers that stand in the zip64 extra field (APPNOTE 4.5.3): size, compressed size, header offset, each
/// present only when its 32-bit field is full.
void read_zip64_field(const Numbers& zip, std::size_t extra, std::size_t length,
                      std::span<std::size_t* const> numbers) {
  const std::size_t end = extra + length;
  while (extra + 4 <= end) {
    const std::size_t id = zip.u16(extra);
    const std::size_t size = zip.u16(extra + 2);
    extra += 4;
    if (size > end - extra) zip.fail(extra, "an extra field of the zip is longer than its entry says");
    if (id == 1) {
      std::size_t at = extra;
      for (std::size_t* const number : numbers) {
        if (*number != kIn64) continue;
        if (at + 8 > extra + size) zip.fail(extra, "a zip64 field is too short");
        *number = zip.u64(at);
        at += 8;
      }
    }
    extra += size;
  }
}

struct DirectoryEntry {
  ZipEntry entry;
  std::size_t local = 0;  // where the local header begins
  std::size_t next = 0;   // where the next directory entry begins
};

DirectoryEntry read_directory_entry(const Numbers& zip, std::size_t at) {
  if (zip.u32(at) != kDirectorySignature) zip.fail(at, "expected an entry of the zip directory");
  const std::size_t name_length = zip.u16(at + 28);
  const std::size_t extra_length = zip.u16(at + 30);
  const std::size_t comment_length = zip.u16(at + 32);
  DirectoryEntry result;
  ZipEntry& entry = result.entry;
  entry.name = zip.text(at + kDirectorySize, name_length);
  if (entry.name.empty() || entry.name.find('\0') != std::string::npos) {
    zip.fail(at, "a zip entry has an empty or broken name");
  }
  if (leads_outside(entry.name)) zip.fail(at, fmt::format("the entry '{}' leads out of the zip", entry.name));
  const int method = zip.u16(at + 10);
  if ((zip.u16(at + 8) & 1) != 0) zip.fail(at, fmt::format("the entry '{}' is encrypted", entry.name));
  if (method != 0 && method != 8) {
    zip.fail(at, fmt::format("the entry '{}' is packed by method {}; read are stored (0) and deflated (8)", entry.name,
                             method));
  }
  entry.is_deflated = method == 8;
  entry.crc = zip.u32(at + 16);
  entry.compressed_size = zip.u32(at + 20);
  entry.size = zip.u32(at + 24);
  result.local = zip.u32(at + 42);
  const std::size_t extra = at + kDirectorySize + name_length;
  zip.need(extra, extra_length + comment_length);
  std::size_t* const numbers[] = {&entry.size, &entry.compressed_size, &result.local};
  read_zip64_field(zip, extra, extra_length, numbers);
  result.next = extra + extra_length + comment_length;
  return result;
}

/// Finds the entry's bytes behind its local header, which must agree with the directory.
void read_local_header(const Numbers& zip, std::size_t directory_offset, DirectoryEntry& found) {
  ZipEntry& entry = found.entry;
  const std::size_t at = found.local;
  zip.need(at, kLocalSize);
  if (zip.u32(at) != kLocalSignature) zip.fail(at, fmt::format("expected the header of the entry '{}'", entry.name));
  const std::size_t name_length = zip.u16(at + 26);
  const std::size_t extra_length = zip.u16(at + 28);
  const std::size_t extra = at + kLocalSize + name_length;
  zip.need(extra, extra_length);
  std::size_t size = zip.u32(at + 22);
  std::size_t compressed_size = zip.u32(at + 18);
  std::size_t* const numbers[] = {&size, &compressed_size};
  read_zip64_field(zip, extra, extra_length, numbers);
  // With bit 3 the sizes follow the content, and the header may have zeros.
  const bool sizes_follow = (zip.u16(at + 6) & 8) != 0;
  const bool sizes_agree = size == entry.size && compressed_size == entry.compressed_size;
  if (zip.text(at + kLocalSize, name_length) != entry.name || (zip.u16(at + 8) == 8) != entry.is_deflated ||
      (!sizes_agree && !sizes_follow)) {
    zip.fail(at, fmt::format("the header of the entry '{}' and the zip directory disagree", entry.name));
  }
  entry.offset = extra + extra_length;
  if (entry.offset > directory_offset || entry.compressed_size > directory_offset - entry.offset) {
    zip.fail(at, fmt::format("the {} bytes of the entry '{}' run into the zip directory", entry.compressed_size,
                             entry.name));
  }
  const bool possible = entry.is_deflated ? entry.size / kLargestDeflateRatio <= entry.compressed_size
                                          : entry.size == entry.compressed_size;
  if (!possible) {
    zip.fail(at,
             fmt::format("the entry '{}' cannot hold {} bytes in {}", entry.name, entry.size, entry.compressed_size));
  }
}

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

bool looks_like_zip(std::span<const std::byte> bytes) {
  return begins_with(bytes, "PK\x03\x04") || begins_with(bytes, "PK\x05\x06");
}

ZipArchive::ZipArchive(Blob file) : file_(std::move(file)) {
  const Numbers zip(file_);
  const Directory place = read_directory_place(zip, find_end_record(zip, file_.name));
  std::vector<std::pair<std::size_t, std::size_t>> extents;  // of local header and content
  entries_.reserve(place.count);
  std::size_t at = place.offset;
  for (std::size_t k = 0; k < place.count; ++k) {
    DirectoryEntry found = read_directory_entry(zip, at);
    if (found.next > place.offset + place.size) zip.fail(at, "an entry runs beyond the zip directory");
    read_local_header(zip, place.offset, found);
    at = found.next;
    extents.emplace_back(found.local, found.entry.offset + found.entry.compressed_size);
    entries_.push_back(std::move(found.entry));
  }
  std::sort(extents.begin(), extents.end());
  for (std::size_t k = 1; k < extents.size(); ++k) {
    if (extents[k].first < extents[k - 1].second) zip.fail(extents[k].first, "two entries of the zip overlap");
  }
  by_name_.resize(entries_.size());
  std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
  std::sort(by_name_.begin(), by_name_.end(),
            [this](std::size_t a, std::size_t b) { return entries_[a].name < entries_[b].name; });
  const auto twice = std::adjacent_find(by_name_.begin(), by_name_.end(), [this](std::size_t a, std::size_t b) {
    return entries_[a].name == entries_[b].name;
  });
  if (twice != by_name_.end()) {
    throw Error(fmt::format("{}: the entry '{}' comes twice", file_.name, entries_[*twice].name));
  }
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto at =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [this](std::size_t k, std::string_view wanted) { return entries_[k].name < wanted; });
  return at != by_name_.end() && entries_[*at].name == name ? &entries_[*at] : nullptr;
}

Blob ZipArchive::read(const ZipEntry& entry, const Context& context) const {
  const std::string name = fmt::format("{}: {}", file_.name, entry.name);
  Blob content{name, file_.bytes.subspan(entry.offset, entry.compressed_size), file_.owner};
  if (entry.is_deflated) {
    context.check_memory(entry.size, name);
    std::vector<std::byte> values(entry.size);
    Inflater inflater(content, DeflateFormat::kRaw);
    std::byte beyond{};
    if (inflater.read(values) < entry.size || inflater.read(std::span(&beyond, 1)) != 0) {
      throw Error(fmt::format("{}: does not inflate to the {} bytes that the zip promises", name, entry.size));
    }
    content = make_blob(name, std::move(values));
  }
  if (crc_of(content.bytes) != entry.crc)
    throw Error(fmt::format("{}: its CRC-32 is wrong; the file is damaged", name));
  return content;
}

}  // namespace scorefield

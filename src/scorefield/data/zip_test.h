// Zips by hand, lies included. Included by tests only.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scorefield/data/readers_test.h"

namespace scorefield::testing_support {

inline std::string deflated(const std::string& content) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// What stands in the archive; what is not set is as it should be.
struct ZipPart {
  std::string name = {};
  std::string content = {};  // before deflating
  int method = 0;
  int flags = 0;
  bool is_zip64 = false;
  std::optional<std::uint64_t> size = {};             // in both headers
  std::optional<std::uint64_t> compressed_size = {};  // in both headers
  std::optional<std::uint64_t> local_size = {};       // in the local header alone
  std::optional<std::uint32_t> crc = {};
  std::optional<std::string> local_name = {};
  std::optional<std::uint64_t> offset = {};  // of the local header
};

/// The numbers of the end record, to be changed.
struct ZipEnd {
  std::optional<std::uint64_t> count = {};
  std::optional<std::uint64_t> size = {};
  std::optional<std::uint64_t> offset = {};
  int disk = 0;
  bool is_zip64 = false;
  std::string comment = {};
};

/// Numbers and how many bytes each takes, least significant byte first.
inline std::string record(std::initializer_list<std::pair<std::uint64_t, int>> numbers) {
  std::string bytes;
  for (const auto& [value, size] : numbers) bytes += little_endian(value, size);
  return bytes;
}

inline std::string make_zip(const std::vector<ZipPart>& parts, const ZipEnd& end = {}) {
  constexpr std::uint64_t kFull = 0xFFFFFFFF;
  std::string zip;
  std::string directory;
  for (const ZipPart& part : parts) {
    const std::string packed = part.method == 8 ? deflated(part.content) : part.content;
    const std::uint64_t size = part.size.value_or(part.content.size());
    const std::uint64_t packed_size = part.compressed_size.value_or(packed.size());
    const std::uint64_t local_size = part.local_size.value_or(size);
    const std::uint64_t offset = part.offset.value_or(zip.size());
    const std::uint64_t crc = part.crc.value_or(static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(part.content.data()), static_cast<uInt>(part.content.size()))));
    const std::string local_name = part.local_name.value_or(part.name);
    const bool wide = part.is_zip64;
    const auto flags = static_cast<std::uint64_t>(part.flags);
    const auto method = static_cast<std::uint64_t>(part.method);
    const std::string local_field = wide ? record({{1, 2}, {16, 2}, {local_size, 8}, {packed_size, 8}}) : "";
    const std::string field = wide ? record({{1, 2}, {24, 2}, {size, 8}, {packed_size, 8}, {offset, 8}}) : "";
    zip += record({{0x04034b50, 4}, {20, 2}, {flags, 2}, {method, 2}, {0, 4}, {crc, 4}});
    zip += record({{wide ? kFull : packed_size, 4}, {wide ? kFull : local_size, 4}});
    zip += record({{local_name.size(), 2}, {local_field.size(), 2}});
    zip.append(local_name).append(local_field).append(packed);
    directory += record({{0x02014b50, 4}, {20, 2}, {20, 2}, {flags, 2}, {method, 2}, {0, 4}, {crc, 4}});
    directory += record({{wide ? kFull : packed_size, 4}, {wide ? kFull : size, 4}});
    directory += record({{part.name.size(), 2}, {field.size(), 2}, {0, 2}, {0, 2}, {0, 2}, {0, 4}});
    directory += record({{wide ? kFull : offset, 4}});
    directory.append(part.name).append(field);
  }
  const std::uint64_t begin = end.offset.value_or(zip.size());
  const std::uint64_t count = end.count.value_or(parts.size());
  const std::uint64_t size = end.size.value_or(directory.size());
  zip += directory;
  if (end.is_zip64) {
    const std::uint64_t place = zip.size();
    zip += record({{0x06064b50, 4}, {44, 8}, {45, 2}, {45, 2}, {0, 8}, {count, 8}, {count, 8}, {size, 8}, {begin, 8}});
    zip += record({{0x07064b50, 4}, {0, 4}, {place, 8}, {1, 4}});
  }
  zip += record({{0x06054b50, 4}, {static_cast<std::uint64_t>(end.disk), 2}, {0, 2}});
  zip += end.is_zip64 ? std::string(12, '\xFF') : record({{count, 2}, {count, 2}, {size, 4}, {begin, 4}});
  zip += record({{end.comment.size(), 2}});
  return zip + end.comment;
}

}  // namespace scorefield::testing_support

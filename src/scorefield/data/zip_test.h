// Zips by hand, lies included. Included by tests only.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <optional>
#include <string>
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

inline std::string make_zip(const std::vector<ZipPart>& parts, const ZipEnd& end = {}) {
  const auto le = [](std::uint64_t value, int size) { return little_endian(value, size); };
  std::string zip;
  std::string directory;
  for (const ZipPart& part : parts) {
    const std::string packed = part.method == 8 ? deflated(part.content) : part.content;
    const std::uint64_t size = part.size.value_or(part.content.size());
    const std::uint64_t packed_size = part.compressed_size.value_or(packed.size());
    const std::uint64_t local_size = part.local_size.value_or(size);
    const std::uint64_t offset = part.offset.value_or(zip.size());
    const std::uint32_t crc = part.crc.value_or(static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(part.content.data()), static_cast<uInt>(part.content.size()))));
    const std::string local_name = part.local_name.value_or(part.name);
    const std::uint64_t full = 0xFFFFFFFF;
    const std::string local_field = part.is_zip64 ? le(1, 2) + le(16, 2) + le(local_size, 8) + le(packed_size, 8) : "";
    const std::string field =
        part.is_zip64 ? le(1, 2) + le(24, 2) + le(size, 8) + le(packed_size, 8) + le(offset, 8) : "";
    zip += le(0x04034b50, 4) + le(20, 2) + le(part.flags, 2) + le(part.method, 2) + le(0, 4) + le(crc, 4);
    zip += le(part.is_zip64 ? full : packed_size, 4) + le(part.is_zip64 ? full : local_size, 4);
    zip += le(local_name.size(), 2) + le(local_field.size(), 2) + local_name + local_field + packed;
    directory += le(0x02014b50, 4) + le(20, 2) + le(20, 2) + le(part.flags, 2) + le(part.method, 2) + le(0, 4);
    directory += le(crc, 4) + le(part.is_zip64 ? full : packed_size, 4) + le(part.is_zip64 ? full : size, 4);
    directory += le(part.name.size(), 2) + le(field.size(), 2) + le(0, 2) + le(0, 2) + le(0, 2) + le(0, 4);
    directory += le(part.is_zip64 ? full : offset, 4) + part.name + field;
  }
  const std::uint64_t begin = end.offset.value_or(zip.size());
  const std::uint64_t count = end.count.value_or(parts.size());
  const std::uint64_t size = end.size.value_or(directory.size());
  zip += directory;
  if (end.is_zip64) {
    const std::uint64_t record = zip.size();
    zip += le(0x06064b50, 4) + le(44, 8) + le(45, 2) + le(45, 2) + le(0, 8) + le(count, 8) + le(count, 8);
    zip += le(size, 8) + le(begin, 8) + le(0x07064b50, 4) + le(0, 4) + le(record, 8) + le(1, 4);
  }
  zip += le(0x06054b50, 4) + le(end.disk, 2) + le(0, 2);
  zip += end.is_zip64 ? std::string(12, '\xFF') : le(count, 2) + le(count, 2) + le(size, 4) + le(begin, 4);
  return zip + le(end.comment.size(), 2) + end.comment;
}

}  // namespace scorefield::testing_support

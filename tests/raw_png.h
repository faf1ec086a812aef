// PNG files put together chunk by chunk, right or wrong, without libpng: what the readers' tests are fed with.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scorefield::test_files {

inline std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

inline std::string png_chunk(std::string_view type, std::string_view content) {
  const std::string body = std::string(type) + std::string(content);
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(content.size())) + body + big_endian(static_cast<std::uint32_t>(crc));
}

inline std::string deflated(std::string_view content) {
  uLongf size = compressBound(content.size());
  std::string out(size, '\0');
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(content.data()), content.size(),
            9);
  out.resize(size);
  return out;
}

enum class PngColor : std::uint8_t { kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgba = 6 };

struct RawPng {
  std::uint32_t width = 1;
  std::uint32_t height = 1;
  std::uint8_t depth = 8;
  PngColor color = PngColor::kGrey;
  bool interlaced = false;
  std::string before_pixels = "";  // whole chunks: palette, transparency
  std::string scanlines = "";      // filter bytes included

  std::string header() const {
    std::string content = big_endian(width) + big_endian(height);
    content += static_cast<char>(depth);
    content += static_cast<char>(color);
    content += std::string(2, '\0');
    content += static_cast<char>(interlaced);
    return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", content);
  }
  std::string bytes() const {
    return header() + before_pixels + png_chunk("IDAT", deflated(scanlines)) + png_chunk("IEND", "");
  }
};

/// Text with zero bytes in it: raw("\0ab").
template <std::size_t n>
std::string raw(const char (&text)[n]) {
  return {text, n - 1};
}

}  // namespace scorefield::test_files

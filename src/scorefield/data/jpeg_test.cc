#include "scorefield/data/jpeg.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "scorefield/base/error.h"
#include "scorefield/data/exif.h"
#include "tests/raw_jpeg.h"

namespace scorefield {
namespace {

using test_files::exif;
using test_files::RawJpeg;
using testing::HasSubstr;

DecodedImage decode(const std::string& bytes, const Context& context = {}) {
  return read_jpeg(make_blob("a.jpg", bytes), context);
}

std::string error_of(const std::string& bytes, const Context& context = {}) {
  try {
    decode(bytes, context);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// [height, width, C] with one colour a block of 8 x 8: block (y, x) has `color` plus 16 y + 5 x.
std::vector<std::uint8_t> blocks(std::size_t height, std::size_t width, const std::vector<int>& color) {
  std::vector<std::uint8_t> samples;
  for (std::size_t k = 0; k < height * width; ++k) {
    const int shift = static_cast<int>(16 * (k / width / 8) + 5 * (k % width / 8));
    for (const int value : color) samples.push_back(static_cast<std::uint8_t>(value + shift));
  }
  return samples;
}

RawJpeg grey(std::size_t height = 16, std::size_t width = 24) {
  return {.width = width, .height = height, .samples = blocks(height, width, {40})};
}

TEST(Jpeg, FlatGreyBlocksAreExact) {
  // At quality 100 a flat block is its DC coefficient 8 (v - 128), a whole number: nothing is lost.
  RawJpeg jpeg = grey();
  for (const bool progressive : {false, true}) {
    for (const bool arithmetic : {false, true}) {
      jpeg.progressive = progressive;
      jpeg.arithmetic = arithmetic;
      const DecodedImage decoded = decode(jpeg.bytes());
      EXPECT_EQ(decoded.image, (Image{16, 24, 1, jpeg.samples}));
      EXPECT_FALSE(decoded.changes.turned || decoded.changes.cmyk_converted);
    }
  }
}

TEST(Jpeg, SizesNeedNotBeMultiplesOfEight) {
  RawJpeg jpeg = grey(3, 5);
  EXPECT_EQ(decode(jpeg.bytes()).image, (Image{3, 5, 1, jpeg.samples}));
}

TEST(Jpeg, ColourIsRgb) {
  RawJpeg jpeg = grey();
  jpeg.given = JCS_RGB;
  jpeg.samples = blocks(16, 24, {200, 30, 90});
  for (const J_COLOR_SPACE stored : {JCS_RGB, JCS_YCbCr}) {
    jpeg.stored = stored;
    const Image image = decode(jpeg.bytes()).image;
    EXPECT_EQ(image.channels, 3U);
    ASSERT_EQ(image.pixels.size(), jpeg.samples.size());
    // Y, Cb and Cr are rounded: B = Y + 1.772 Cb is off by (1 + 1.772) / 2 at most before it is rounded itself.
    const int tolerance = stored == JCS_RGB ? 0 : 1;
    for (std::size_t k = 0; k < image.pixels.size(); ++k) {
      ASSERT_LE(std::abs(image.pixels[k] - jpeg.samples[k]), tolerance) << k;
    }
  }
}

TEST(Jpeg, CmykBecomesRgbWithoutAProfile) {
  RawJpeg jpeg = grey(8, 8);
  jpeg.given = JCS_CMYK;
  jpeg.stored = JCS_CMYK;
  jpeg.samples = blocks(8, 8, {200, 30, 90, 51});  // as Adobe stores them: 255 is no ink
  const DecodedImage decoded = decode(jpeg.bytes());
  EXPECT_TRUE(decoded.changes.cmyk_converted);
  EXPECT_EQ(decoded.image, (Image{8, 8, 3, blocks(8, 8, {40, 6, 18})}));  // times 51 / 255
  jpeg.stored = JCS_YCCK;
  const Image ycck = decode(jpeg.bytes()).image;
  ASSERT_EQ(ycck.pixels.size(), 3 * 64U);
  for (std::size_t k = 0; k < ycck.pixels.size(); ++k) {
    EXPECT_LE(std::abs(ycck.pixels[k] - decoded.image.pixels[k]), 1);  // rounding of Y, Cb, Cr, as above
  }
}

TEST(Jpeg, TwoComponentsAreNoPicture) {
  const RawJpeg jpeg{.given = JCS_UNKNOWN, .stored = JCS_UNKNOWN, .samples = std::vector<std::uint8_t>(128)};
  EXPECT_EQ(error_of(jpeg.bytes()),
            "a.jpg: damaged JPEG: 2 components; a picture has 1 (grey), 3 (colour) or 4 (CMYK)");
}

TEST(Jpeg, ExifOrientationIsApplied) {
  RawJpeg jpeg = grey();
  for (int orientation = 1; orientation <= 8; ++orientation) {
    jpeg.app1 = exif(orientation, orientation % 2 == 0);
    const DecodedImage decoded = decode(jpeg.bytes());
    EXPECT_EQ(decoded.image, upright(Image{16, 24, 1, jpeg.samples}, orientation));
    EXPECT_EQ(decoded.changes.turned, orientation != 1);
  }
}

TEST(Exif, TurnsAsTheStandardSays) {
  // What the eight orientations show of the same scene
  //   1 2 3
  //   4 5 6
  // must all come out as that scene. Each stored picture is written out by hand from EXIF 2.32, where the words say at
  // which side of the scene the stored row 0 and column 0 are.
  const Image scene{2, 3, 1, {1, 2, 3, 4, 5, 6}};
  const std::vector<Image> stored{
      {2, 3, 1, {1, 2, 3, 4, 5, 6}},  // 1: row 0 top, column 0 left
      {2, 3, 1, {3, 2, 1, 6, 5, 4}},  // 2: top, right
      {2, 3, 1, {6, 5, 4, 3, 2, 1}},  // 3: bottom, right
      {2, 3, 1, {4, 5, 6, 1, 2, 3}},  // 4: bottom, left
      {3, 2, 1, {1, 4, 2, 5, 3, 6}},  // 5: left, top
      {3, 2, 1, {3, 6, 2, 5, 1, 4}},  // 6: right, top
      {3, 2, 1, {6, 3, 5, 2, 4, 1}},  // 7: right, bottom
      {3, 2, 1, {4, 1, 5, 2, 6, 3}},  // 8: left, bottom
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(upright(stored[orientation - 1], orientation), scene) << orientation;
  }
  const Image colour{1, 2, 3, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(upright(colour, 6), (Image{2, 1, 3, {1, 2, 3, 4, 5, 6}}));
  EXPECT_EQ(upright(colour, 2), (Image{1, 2, 3, {4, 5, 6, 1, 2, 3}}));
}

TEST(Exif, DamagedDataIsUpright) {
  const auto orientation = [](const std::string& app1) { return exif_orientation(std::as_bytes(std::span(app1))); };
  EXPECT_EQ(orientation(exif(6)), 6);
  EXPECT_EQ(orientation(exif(6, true)), 6);
  EXPECT_EQ(orientation(exif(0)), 1);
  EXPECT_EQ(orientation(exif(9)), 1);
  EXPECT_EQ(orientation(exif(6, false, 4)), 1);
  EXPECT_EQ(orientation(""), 1);
  EXPECT_EQ(orientation("http://ns.adobe.com/xap/1.0/"), 1);
  std::string endless = exif(6);
  endless.replace(10, 4, "\xf0\xff\xff\xff");  // the directory far outside
  EXPECT_EQ(orientation(endless), 1);
  endless = exif(1);
  endless.replace(14, 2, "\xff\xff");  // 65535 entries
  EXPECT_EQ(orientation(endless), 1);
  std::string no_tiff = exif(6);
  no_tiff[6] = 'X';
  EXPECT_EQ(orientation(no_tiff), 1);
  // The orientation is the second entry: from its value on nothing matters, before that nothing is found.
  const std::string whole = exif(6);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(orientation(whole.substr(0, size)), size >= 38 ? 6 : 1) << size;
  }
}

TEST(Jpeg, OtherBytesAreNoJpeg) {
  for (const char* text : {"", "\xff\xd8", "hello, this is text", "\x89PNG\r\n\x1a\n"}) {
    EXPECT_EQ(error_of(text), "a.jpg: not a JPEG file");
  }
}

TEST(Jpeg, EveryTruncationIsAnError) {
  RawJpeg jpeg = grey();
  for (const bool progressive : {false, true}) {
    jpeg.progressive = progressive;
    const std::string whole = jpeg.bytes();
    for (std::size_t size = 3; size < whole.size(); ++size) {
      ASSERT_THAT(error_of(whole.substr(0, size)), HasSubstr("a.jpg: damaged JPEG: ")) << size;
    }
    EXPECT_EQ(error_of(whole.substr(0, whole.size() - 2)), "a.jpg: damaged JPEG: Premature end of JPEG file");
  }
}

TEST(Jpeg, NoFlippedBitIsACrash) {
  RawJpeg jpeg = grey();
  jpeg.given = JCS_RGB;
  jpeg.stored = JCS_YCbCr;
  jpeg.samples = blocks(16, 24, {200, 30, 90});
  jpeg.app1 = exif(6);
  Context context;
  context.memory_limit = 1 << 24;
  for (const bool progressive : {false, true}) {
    jpeg.progressive = progressive;
    const std::string whole = jpeg.bytes();
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      std::string flipped = whole;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      try {
        const Image image = decode(flipped, context).image;
        EXPECT_EQ(image.pixels.size(), image.height * image.width * image.channels);
      } catch (const Error&) {
      }
    }
  }
}

/// The same file with another size in its frame header.
std::string resized(std::string bytes, std::size_t height, std::size_t width) {
  for (const char* marker : {"\xff\xc0", "\xff\xc2", "\xff\xc9"}) {
    const std::size_t at = bytes.find(marker);
    if (at == std::string::npos) continue;
    bytes[at + 5] = static_cast<char>(height >> 8);
    bytes[at + 6] = static_cast<char>(height & 0xff);
    bytes[at + 7] = static_cast<char>(width >> 8);
    bytes[at + 8] = static_cast<char>(width & 0xff);
    return bytes;
  }
  throw Bug("no frame header");
}

TEST(Jpeg, LyingHeadersAreErrorsBeforeAnyAllocation) {
  RawJpeg jpeg = grey();
  const std::string baseline = jpeg.bytes();
  EXPECT_EQ(
      error_of(resized(baseline, 65500, 65500)),
      fmt::format("a.jpg: damaged JPEG: its header says 65500 x 65500 pixels, more than a file of {} bytes can hold",
                  baseline.size()));
  EXPECT_THAT(error_of(resized(baseline, 0, 8)), HasSubstr("Empty JPEG image"));
  EXPECT_THAT(error_of(resized(baseline, 8, 0)), HasSubstr("Empty JPEG image"));
  EXPECT_THAT(error_of(resized(baseline, 65535, 8)), HasSubstr("Maximum supported image dimension is 65500"));
  EXPECT_THAT(error_of(resized(baseline, 200, 200)), HasSubstr("damaged JPEG"));
  jpeg.arithmetic = true;
  Context context;
  context.memory_limit = 1 << 20;
  EXPECT_THAT(error_of(resized(jpeg.bytes(), 65500, 65500), context), HasSubstr("over the memory limit of 1 MiB"));
}

TEST(Jpeg, WhatLibjpegKeepsCountsAsMemory) {
  RawJpeg jpeg = grey(1024, 1024);
  Context context;
  context.memory_limit = 2 << 20;
  EXPECT_EQ(error_of(jpeg.bytes(), context), "no error");
  jpeg.progressive = true;  // 1 MiB of pixels and 2 MiB of coefficients
  EXPECT_EQ(error_of(jpeg.bytes(), context),
            "a.jpg needs 3 MiB, over the memory limit of 2 MiB; raise --memory-limit or use less data");
}

TEST(Jpeg, EndlessScansAreRefused) {
  RawJpeg jpeg = grey();
  jpeg.scans = 99;
  EXPECT_EQ(error_of(jpeg.bytes()), "no error");
  jpeg.scans = 150;
  EXPECT_EQ(error_of(jpeg.bytes()), "a.jpg: damaged JPEG: more than 100 scans");
}

TEST(Jpeg, Cancels) {
  const std::atomic<bool> cancelled{true};
  Context context;
  context.cancelled = &cancelled;
  EXPECT_THROW(decode(grey().bytes(), context), Cancelled);
}

}  // namespace
}  // namespace scorefield

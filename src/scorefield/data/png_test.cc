#include "scorefield/data/png.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/test_folder_test.h"
#include "tests/raw_png.h"

namespace scorefield {
namespace {

using test_files::PngColor;
using test_files::raw;
using test_files::RawPng;
using testing::ElementsAre;
using testing::HasSubstr;

DecodedImage decode(const std::string& bytes, const Context& context = {}) {
  return read_png(make_blob("a.png", bytes), context);
}

std::string error_of(const std::string& bytes, const Context& context = {}) {
  try {
    decode(bytes, context);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Png, GreyAndColourAreTheirPixels) {
  const auto grey = decode(RawPng{.width = 2, .height = 2, .scanlines = raw("\0\x01\x02\0\x03\xff")}.bytes());
  EXPECT_EQ(grey.image, (Image{2, 2, 1, {1, 2, 3, 255}}));
  const auto rgb = decode(RawPng{.width = 2, .color = PngColor::kRgb, .scanlines = raw("\0\1\2\3\4\5\6")}.bytes());
  EXPECT_EQ(rgb.image, (Image{1, 2, 3, {1, 2, 3, 4, 5, 6}}));
  EXPECT_FALSE(rgb.changes.alpha_dropped || rgb.changes.bits_reduced);
}

TEST(Png, FewBitsAreStretchedToTheWholeRange) {
  const auto one = decode(RawPng{.width = 8, .depth = 1, .scanlines = raw("\0\xa5")}.bytes());
  EXPECT_THAT(one.image.pixels, ElementsAre(255, 0, 255, 0, 0, 255, 0, 255));
  const auto two = decode(RawPng{.width = 4, .depth = 2, .scanlines = raw("\0\x1b")}.bytes());
  EXPECT_THAT(two.image.pixels, ElementsAre(0, 85, 170, 255));
  const auto four = decode(RawPng{.width = 2, .depth = 4, .scanlines = raw("\0\x1f")}.bytes());
  EXPECT_THAT(four.image.pixels, ElementsAre(17, 255));
}

TEST(Png, SixteenBitsAreRoundedToTheNearestOfEight) {
  // Every value of 16 bits as one row: each becomes round(v * 255 / 65535) = round(v / 257); 257 is odd, so no ties.
  std::string row(1, '\0');
  for (int v = 0; v < 65536; ++v) row += {static_cast<char>(v >> 8), static_cast<char>(v & 0xff)};
  const auto decoded = decode(RawPng{.width = 65536, .depth = 16, .scanlines = row}.bytes());
  EXPECT_TRUE(decoded.changes.bits_reduced);
  for (int v = 0; v < 65536; ++v) ASSERT_EQ(decoded.image.pixels[v], (v + 128) / 257) << v;
}

TEST(Png, PalettesBecomeRgb) {
  const RawPng png{.width = 4,
                   .depth = 2,
                   .color = PngColor::kPalette,
                   .before_pixels = test_files::png_chunk("PLTE", raw("\x0a\x0b\x0c\x14\x15\x16\0\0\0\xff\xff\xff")),
                   .scanlines = raw("\0\x4e")};  // 1 0 3 2
  const auto decoded = decode(png.bytes());
  EXPECT_EQ(decoded.image, (Image{1, 4, 3, {20, 21, 22, 10, 11, 12, 255, 255, 255, 0, 0, 0}}));
}

TEST(Png, AlphaIsDroppedAndDeclared) {
  const auto opaque = decode(RawPng{.color = PngColor::kRgba, .scanlines = raw("\0\1\2\3\xff")}.bytes());
  EXPECT_EQ(opaque.image, (Image{1, 1, 3, {1, 2, 3}}));
  EXPECT_FALSE(opaque.changes.alpha_dropped);
  const auto hidden = decode(RawPng{.color = PngColor::kRgba, .scanlines = raw("\0\1\2\3\0")}.bytes());
  EXPECT_EQ(hidden.image, (Image{1, 1, 3, {1, 2, 3}}));
  EXPECT_TRUE(hidden.changes.alpha_dropped);
  const auto grey =
      decode(RawPng{.width = 2, .color = PngColor::kGreyAlpha, .scanlines = raw("\0\7\x80\5\xff")}.bytes());
  EXPECT_EQ(grey.image, (Image{1, 2, 1, {7, 5}}));
  EXPECT_TRUE(grey.changes.alpha_dropped);
  const RawPng transparent_palette{
      .color = PngColor::kPalette,
      .before_pixels = test_files::png_chunk("PLTE", raw("\1\2\3")) + test_files::png_chunk("tRNS", raw("\0")),
      .scanlines = raw("\0\0")};
  const auto from_palette = decode(transparent_palette.bytes());
  EXPECT_EQ(from_palette.image, (Image{1, 1, 3, {1, 2, 3}}));
  EXPECT_TRUE(from_palette.changes.alpha_dropped);
}

TEST(Png, InterlacedPixelsFallIntoPlace) {
  // Adam7 on 2 x 2: pass 1 has (0, 0), pass 6 the rest of row 0, pass 7 row 1.
  const RawPng png{.width = 2, .height = 2, .interlaced = true, .scanlines = raw("\0\1\0\2\0\3\4")};
  EXPECT_THAT(decode(png.bytes()).image.pixels, ElementsAre(1, 2, 3, 4));
}

TEST(Png, WhatIsWrittenIsReadBack) {
  for (const std::size_t channels : {1U, 3U}) {
    Image image{5, 7, channels, std::vector<std::uint8_t>(35 * channels)};
    std::iota(image.pixels.begin(), image.pixels.end(), std::uint8_t{100});
    const TestFolder folder;
    const auto path = folder / "written.png";
    write_png(path, image);
    EXPECT_EQ(read_png(map_blob(path), {}).image, image);
    EXPECT_EQ(read_file(path, {}), encode_png(image));
  }
}

TEST(Png, UnwritablePathIsAnError) {
  EXPECT_THROW(write_png("/nonexistent/folder/a.png", Image{1, 1, 1, {0}}), Error);
  EXPECT_THROW(encode_png(Image{1, 1, 2, {0, 0}}), Bug);
  EXPECT_THROW(encode_png(Image{}), Bug);
  EXPECT_THAT(
      [] {
        return encode_png(Image{1, 2000000, 1, std::vector<std::uint8_t>(2000000)});
      },
      testing::ThrowsMessage<Error>(HasSubstr("cannot encode a PNG: Invalid IHDR data")));
}

TEST(Png, OtherBytesAreNoPng) {
  for (const char* text : {"", "\x89PNG", "hello, this is text", "\xff\xd8\xff\xe0 a JPEG"}) {
    EXPECT_EQ(error_of(text), "a.png: not a PNG file");
  }
}

TEST(Png, EveryTruncationIsAnError) {
  const std::string whole = RawPng{.width = 2, .height = 2, .scanlines = raw("\0\x01\x02\0\x03\xff")}.bytes();
  for (std::size_t size = 8; size < whole.size(); ++size) {
    EXPECT_THAT(error_of(whole.substr(0, size)), HasSubstr("a.png: damaged PNG: ")) << size;
  }
  EXPECT_EQ(error_of(whole.substr(0, whole.size() - 1)), "a.png: damaged PNG: the file is cut off, at byte 67");
}

TEST(Png, EveryFlippedBitIsAnErrorOrHarmless) {
  // A CRC guards each chunk: whatever decodes at all decodes to the same picture.
  const std::string whole = RawPng{.width = 2, .height = 2, .scanlines = raw("\0\x01\x02\0\x03\xff")}.bytes();
  const Image image = decode(whole).image;
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      EXPECT_EQ(decode(flipped).image, image) << bit;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 7 * whole.size());
}

TEST(Png, LyingHeadersAreErrorsBeforeAnyAllocation) {
  EXPECT_THAT(error_of(RawPng{.width = 0x7fffffff, .height = 0x7fffffff}.bytes()), HasSubstr("Invalid IHDR data"));
  EXPECT_THAT(error_of(RawPng{.width = 0xffffffff}.bytes()), HasSubstr("damaged PNG"));
  EXPECT_THAT(error_of(RawPng{.width = 0}.bytes()), HasSubstr("Image width is zero in IHDR"));
  EXPECT_THAT(error_of(RawPng{.height = 0}.bytes()), HasSubstr("Image height is zero in IHDR"));
  EXPECT_THAT(error_of(RawPng{.depth = 3}.bytes()), HasSubstr("Invalid bit depth in IHDR"));
  const std::string lying = RawPng{.width = 1000000, .height = 1000000}.bytes();
  EXPECT_EQ(error_of(lying),
            "a.png: damaged PNG: its header says 1000000 x 1000000 pixels, more than a file of 65 bytes can hold");
}

TEST(Png, BombIsOverTheMemoryLimit) {
  // 16 Mpixel of zeros deflate to 16 kB: the file can hold them, the limit cannot.
  const std::string bomb = RawPng{.width = 4096, .height = 4096, .scanlines = std::string(4096 * 4097, '\0')}.bytes();
  ASSERT_LT(bomb.size(), 20000U);
  Context context;
  context.memory_limit = 1 << 20;
  EXPECT_THAT(error_of(bomb, context), HasSubstr("a.png needs 16 MiB, over the memory limit of 1 MiB"));
  EXPECT_EQ(decode(bomb).image.pixels.size(), 4096U * 4096U);
}

TEST(Png, DamagedContentsAreErrors) {
  EXPECT_THAT(error_of(RawPng{.width = 2, .height = 2, .scanlines = raw("\0\1\2\0\3")}.bytes()),
              HasSubstr("Not enough image data"));
  EXPECT_THAT(error_of(RawPng{.scanlines = raw("\0\1\0\0\0\0\0\0\0\0")}.bytes()), HasSubstr("damaged PNG"));
  EXPECT_THAT(error_of(RawPng{.scanlines = raw("\x09\1")}.bytes()), HasSubstr("bad adaptive filter value"));
  EXPECT_THAT(error_of(RawPng{.color = PngColor::kPalette, .scanlines = raw("\0\0")}.bytes()),
              HasSubstr("Missing PLTE before IDAT"));
  const RawPng beyond{.color = PngColor::kPalette,
                      .before_pixels = test_files::png_chunk("PLTE", raw("\1\2\3")),
                      .scanlines = raw("\0\7")};
  EXPECT_THAT(error_of(beyond.bytes()), HasSubstr("a pixel has colour 7 of a palette of 1"));
}

TEST(Png, OtherChunksAreNotLookedAt) {
  // A text chunk that inflates to 64 MiB, and a damaged colour profile.
  const std::string bomb = test_files::deflated(std::string(64 << 20, 'a'));
  const RawPng png{
      .before_pixels = test_files::png_chunk("zTXt", raw("k\0\0") + bomb) + test_files::png_chunk("iCCP", "nonsense"),
      .scanlines = raw("\0\x07")};
  Context context;
  context.memory_limit = 1 << 20;
  EXPECT_EQ(decode(png.bytes(), context).image, (Image{1, 1, 1, {7}}));
}

TEST(Png, Cancels) {
  const std::atomic<bool> cancelled{true};
  Context context;
  context.cancelled = &cancelled;
  EXPECT_THROW(decode(RawPng{.scanlines = raw("\0\x07")}.bytes(), context), Cancelled);
}

}  // namespace
}  // namespace scorefield

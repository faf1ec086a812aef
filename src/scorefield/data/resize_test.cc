#include "scorefield/data/resize.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Values without a pattern: the low bits of a linear congruence.
std::vector<std::uint8_t> noise(std::size_t count) {
  std::vector<std::uint8_t> values;
  std::uint32_t state = 1;
  for (std::size_t k = 0; k < count; ++k) {
    state = state * 1664525U + 1013904223U;
    values.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  return values;
}

/// The definition, naively: sum over all old pixels of value times common area, in long double.
long double area_mean(const std::vector<std::uint8_t>& square, std::size_t from, std::size_t to, std::size_t y,
                      std::size_t x) {
  const auto overlap = [&](std::size_t i, std::size_t k) {
    const long double scale = static_cast<long double>(from) / static_cast<long double>(to);
    return std::max(0.0L, std::min<long double>(i + 1, (k + 1) * scale) - std::max<long double>(i, k * scale));
  };
  long double sum = 0;
  long double area = 0;
  for (std::size_t i = 0; i < from; ++i) {
    for (std::size_t j = 0; j < from; ++j) {
      const long double common = overlap(i, y) * overlap(j, x);
      sum += common * square[i * from + j];
      area += common;
    }
  }
  return sum / area;
}

TEST(Resize, IsTheMeanOverTheAreaOfEachPixel) {
  for (const std::size_t from : {1U, 2U, 5U, 12U, 28U}) {
    const std::vector<std::uint8_t> square = noise(from * from);
    for (const std::size_t to : {1U, 2U, 3U, 7U, 12U, 30U}) {
      const Image resized = resize_image(Image{from, from, 1, square}, to, {});
      ASSERT_EQ(resized.pixels.size(), to * to);
      for (std::size_t k = 0; k < to * to; ++k) {
        // Correct rounding: within 1/2; the long double sum itself errs by less than 1e-12.
        EXPECT_LE(std::abs(resized.pixels[k] - area_mean(square, from, to, k / to, k % to)), 0.5L + 1e-12L);
      }
    }
  }
}

TEST(Resize, HalvesAreRoundedUp) {
  EXPECT_THAT(resize_image(Image{2, 2, 1, {0, 0, 1, 1}}, 1, {}).pixels, ElementsAre(1));
  EXPECT_THAT(resize_image(Image{2, 2, 1, {0, 0, 0, 1}}, 1, {}).pixels, ElementsAre(0));
  EXPECT_THAT(resize_image(Image{2, 2, 1, {255, 255, 255, 254}}, 1, {}).pixels, ElementsAre(255));
}

TEST(Resize, TakesTheCentre) {
  EXPECT_THAT(resize_image(Image{1, 4, 1, {1, 2, 3, 4}}, 1, {}).pixels, ElementsAre(2));  // (4 - 1) / 2 = 1 left off
  EXPECT_THAT(resize_image(Image{5, 1, 1, {1, 2, 3, 4, 5}}, 1, {}).pixels, ElementsAre(3));
  const Image wide{2, 4, 3, {9, 9, 9, 1, 2, 3, 1, 2, 3, 9, 9, 9, 9, 9, 9, 3, 4, 5, 3, 4, 5, 9, 9, 9}};
  EXPECT_EQ(resize_image(wide, 1, {}), (Image{1, 1, 3, {2, 3, 4}}));
  EXPECT_EQ(resize_image(wide, 2, {}), (Image{2, 2, 3, {1, 2, 3, 1, 2, 3, 3, 4, 5, 3, 4, 5}}));
}

TEST(Resize, UpwardsRepeatsPixels) {
  EXPECT_THAT(resize_image(Image{2, 2, 1, {1, 2, 3, 4}}, 4, {}).pixels,
              ElementsAre(1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4));
}

TEST(Resize, DatasetsKeepLabelsAndUnitsAndDeclareIt) {
  const Dataset data = make_dataset<std::uint8_t>("d", noise(2 * 3 * 4 * 6), {3, 4, 6}, kImageUnits, {1, 0}, {"a", "b"})
                           .with_note("first");
  const Dataset resized = resize_images(data, 3, {});
  EXPECT_EQ(resized.shape(), (std::vector<std::size_t>{3, 3, 3}));
  EXPECT_EQ(resized.affine(), kImageUnits);
  EXPECT_THAT(resized.labels(), ElementsAre(1, 0));
  EXPECT_EQ(resized.label_names(), data.label_names());
  EXPECT_THAT(resized.notes(),
              ElementsAre("first", "images cropped to their central square and averaged by area to 3 x 3"));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(image_from_dataset(resized, i), resize_image(image_from_dataset(data, i), 3, {}));
  }
  EXPECT_EQ(resize_images(resized, 3, {}).notes().size(), 2U);  // nothing to do, nothing to say
}

TEST(Resize, RealValuesAreNotRounded) {
  const Dataset data = make_dataset<double>("d", {0.25, 0.5, -7, 1.25}, {1, 2, 2});
  std::vector<double> row(1);
  resize_images(data, 1, {}).row(0, row);
  EXPECT_EQ(row[0], -1.25);
}

TEST(Resize, RefusesWhatIsNoImage) {
  const Dataset points = make_dataset<double>("points", {1, 2}, {2});
  EXPECT_THAT([&] { resize_images(points, 4, {}); },
              ThrowsMessage<Error>("points: --resolution is for images, and its rows have the shape [2]"));
  EXPECT_THAT([&] { resize_images(points, 0, {}); }, ThrowsMessage<Error>("--resolution 0 leaves no pixels"));
  EXPECT_THAT(
      [&] {
        resize_image(Image{1, 1, 1, {1}}, 0, {});
      },
      ThrowsMessage<Error>("--resolution 0 leaves no pixels"));
  const Dataset image = make_dataset<std::uint8_t>("image", {1}, {1, 1, 1});
  // The squares of these wrap around: to 0, to 1, to a little.
  for (const std::size_t wraps : {std::size_t{1} << 32, ~std::size_t{0}, (std::size_t{1} << 32) + 1}) {
    const std::string text = fmt::format("--resolution {}: the largest is 65535", wraps);
    EXPECT_THAT([&] { resize_images(image, wraps, {}); }, ThrowsMessage<Error>(text));
    EXPECT_THAT([&] { resize_image(Image{1, 1, 1, {1}}, wraps, {}); }, ThrowsMessage<Error>(text));
  }
  EXPECT_THAT([&] { resize_images(image, 65536, {}); },
              ThrowsMessage<Error>("--resolution 65536: the largest is 65535"));
  Context context;
  context.memory_limit = 1 << 20;
  EXPECT_THAT([&] { resize_images(image, 2000, context); }, ThrowsMessage<Error>(HasSubstr("over the memory limit")));
  EXPECT_THAT([&] { resize_images(image, 65535, context); }, ThrowsMessage<Error>(HasSubstr("over the memory limit")));
  EXPECT_THAT(
      [&] {
        resize_image(Image{1, 1, 3, {1, 2, 3}}, 592, context);
      },  // 592^2 * 3 is just over 2^20
      ThrowsMessage<Error>(HasSubstr("an image of 592 x 592 needs")));
  EXPECT_EQ(resize_image(Image{1, 1, 3, {1, 2, 3}}, 591, context).pixels.size(), 591U * 591 * 3);
}

}  // namespace
}  // namespace scorefield

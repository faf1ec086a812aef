#include "scorefield/data/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/data/image_grid.h"

namespace scorefield {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Image, RowsAreRoundedAsEdmDoes) {
  std::vector<double> values;
  std::vector<std::uint8_t> expected;
  for (int k = -300; k <= 300; ++k) {
    // Off the ties, where the last bit of x decides.
    const double x = (k + 0.3) / 200;
    values.push_back(x);
    expected.push_back(static_cast<std::uint8_t>(std::min(std::max(x * 127.5 + 128, 0.0), 255.0)));
  }
  const std::vector<std::size_t> shape{1, 1, values.size()};
  EXPECT_EQ(image_from_row(values, shape).pixels, expected);
}

TEST(Image, EveryByteComesBackFromDataUnits) {
  std::vector<double> values;
  for (int v = 0; v < 256; ++v) values.push_back(kImageUnits.to_data(v));
  const Image image = image_from_row(values, std::vector<std::size_t>{1, 16, 16});
  for (int v = 0; v < 256; ++v) EXPECT_EQ(image.pixels[v], v);
}

TEST(Image, ChannelsAreInterleavedAndBack) {
  const std::vector<std::uint8_t> row{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const Dataset dataset = make_dataset("d", row, {3, 2, 2}, kImageUnits);
  const Image image = image_from_dataset(dataset, 0);
  EXPECT_EQ(image, (Image{2, 2, 3, {1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12}}));
  std::vector<std::uint8_t> back(12);
  copy_channel_major(image, back);
  EXPECT_EQ(back, row);
  std::vector<double> values(12);
  dataset.row(0, values);
  EXPECT_EQ(image_from_row(values, dataset.shape()), image);
}

TEST(Image, GreyMayBecomeRgb) {
  std::vector<std::uint8_t> rgb(6);
  copy_channel_major(Image{1, 2, 1, {3, 4}}, rgb);
  EXPECT_THAT(rgb, ElementsAre(3, 4, 3, 4, 3, 4));
}

TEST(Image, RealValuedRowsAreDrawnInImageUnits) {
  const Dataset dataset = make_dataset<float>("d", {0, -1, 1, 7, 0, 0, 1, -1}, {1, 2, 2});
  EXPECT_THAT(image_from_dataset(dataset, 0).pixels, ElementsAre(128, 0, 255, 255));
  EXPECT_THAT(image_from_dataset(dataset, 1).pixels, ElementsAre(128, 128, 255, 0));
}

TEST(Image, WhatIsNoPictureIsAnError) {
  const std::vector<double> values(4);
  EXPECT_THAT([&] { image_from_row(values, std::vector<std::size_t>{4}); },
              ThrowsMessage<Error>(HasSubstr("rows of shape [4] are no pictures")));
  EXPECT_THAT(
      [&] {
        image_from_row(values, std::vector<std::size_t>{4, 1, 1});
      },
      ThrowsMessage<Error>(HasSubstr("[4, 1, 1]")));
  EXPECT_THAT(
      [&] {
        image_from_row(std::vector<double>{0, kInfinity}, std::vector<std::size_t>{1, 1, 2});
      },
      ThrowsMessage<Error>(HasSubstr("value 1 is not finite")));
}

TEST(ImageGrid, PlacesEnlargedPicturesWithGaps) {
  const std::vector<Image> images{{1, 2, 1, {1, 2}}, {1, 2, 1, {3, 4}}, {1, 2, 1, {5, 6}}};
  const Image grid = image_grid(images, 2, 2, 1);
  EXPECT_EQ(grid.height, 7U);
  EXPECT_EQ(grid.width, 11U);
  EXPECT_EQ(grid.channels, 1U);
  constexpr int w = 255;
  const std::vector<std::uint8_t> expected{w, w, w, w, w, w, w, w, w, w, w,  //
                                           w, 1, 1, 2, 2, w, 3, 3, 4, 4, w,  //
                                           w, 1, 1, 2, 2, w, 3, 3, 4, 4, w,  //
                                           w, w, w, w, w, w, w, w, w, w, w,  //
                                           w, 5, 5, 6, 6, w, w, w, w, w, w,  //
                                           w, 5, 5, 6, 6, w, w, w, w, w, w,  //
                                           w, w, w, w, w, w, w, w, w, w, w};
  EXPECT_EQ(grid.pixels, expected);
}

TEST(ImageGrid, OneColourPictureMakesTheGridColour) {
  const std::vector<Image> images{{1, 1, 1, {9}}, {1, 1, 3, {1, 2, 3}}};
  EXPECT_EQ(image_grid(images, 5, 1, 0), (Image{1, 2, 3, {9, 9, 9, 1, 2, 3}}));
}

TEST(ImageGrid, RefusesPicturesOfDifferentSizes) {
  const std::vector<Image> images{{1, 1, 1, {9}}, {1, 2, 1, {1, 2}}};
  EXPECT_THROW(image_grid(images, 2, 1, 0), Bug);
  EXPECT_THROW(image_grid({}, 2, 1, 0), Bug);
}

TEST(ImageGrid, SmallPicturesAreEnlarged) {
  EXPECT_EQ(visible_scale(28, 28), 3U);
  EXPECT_EQ(visible_scale(1, 2), 48U);
  EXPECT_EQ(visible_scale(49, 2), 1U);
  EXPECT_EQ(visible_scale(4000, 3000), 1U);
}

}  // namespace
}  // namespace scorefield

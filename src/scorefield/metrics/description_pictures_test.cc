#include "scorefield/metrics/description_pictures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/png.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

class DescriptionPictures : public testing::Test {
 protected:
  Image picture(const std::string& name) const { return read_png(map_blob(folder_ / name), {}).image; }
  std::vector<std::string> write(const Dataset& data, const Dataset* held_out) const {
    const DataDescription description = describe(data, held_out, {}, {});
    return write_description_pictures(data, held_out, description, 0, folder_, {});
  }

  TestFolder folder_;
};

Dataset random_images(std::size_t n, std::vector<std::int32_t> labels) {
  std::vector<std::uint8_t> values(n * 60 * 50);
  const RandomStream stream(1, Purpose::kTest);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<std::uint8_t>(stream.below(k, 200));
  return make_dataset("images", std::move(values), {1, 60, 50}, kImageUnits, std::move(labels));
}

TEST_F(DescriptionPictures, ShowALineOfImagesALabel) {
  // Labels 3 and 5: two rows of one, twelve of the other; ten stand on a line.
  std::vector<std::int32_t> labels(14, 5);
  labels[4] = labels[9] = 3;
  const Dataset data = random_images(14, labels);
  const std::vector<std::string> written = write(data, nullptr);
  EXPECT_EQ(written, (std::vector<std::string>{"rows.png", "spectrum.png", "distances.png", "closest_pairs.png"}));
  const Image rows = picture("rows.png");
  EXPECT_EQ(rows.width, 10 * 50 + 11 * 2U);
  EXPECT_EQ(rows.height, 2 * 60 + 3 * 2U);
  // The first two places hold rows 4 and 9, the others of the first line are white.
  const auto pixel = [&](std::size_t y, std::size_t x) { return rows.pixels[y * rows.width + x]; };
  const auto& stored = std::get<RowsView<const std::uint8_t>>(data.stored());
  for (std::size_t y = 0; y < 60; ++y) {
    for (std::size_t x = 0; x < 50; ++x) {
      EXPECT_EQ(pixel(2 + y, 2 + x), stored(4, y * 50 + x));
      EXPECT_EQ(pixel(2 + y, 54 + x), stored(9, y * 50 + x));
      EXPECT_EQ(pixel(2 + y, 106 + x), 255);
    }
  }
}

TEST_F(DescriptionPictures, ShowPairsAboveEachOther) {
  const Dataset data = random_images(5, {});
  const std::vector<std::size_t> order = {0, 1, 2, 3, 4, 2};
  const Dataset repeated = data.select(order);
  const std::vector<std::size_t> last = {3};
  const Dataset held_out = data.select(last);
  const std::vector<std::string> written = write(repeated, &held_out);
  EXPECT_EQ(written, (std::vector<std::string>{"rows.png", "spectrum.png", "distances.png", "duplicates.png",
                                               "closest_pairs.png", "held_out_closest.png"}));
  for (const char* name : {"duplicates.png", "held_out_closest.png"}) {
    const Image pair = picture(name);
    ASSERT_EQ(pair.width, 54U);
    ASSERT_EQ(pair.height, 2 * 60 + 3 * 2U);
    const auto half = static_cast<std::ptrdiff_t>(62 * pair.width);
    EXPECT_TRUE(std::equal(pair.pixels.begin(), pair.pixels.begin() + half, pair.pixels.begin() + half))
        << name << ": both pictures are the same";
  }
}

TEST_F(DescriptionPictures, ShowPointsOfAnyDimension) {
  for (const std::size_t d : {1U, 2U, 9U}) {
    std::vector<float> values(30 * d);
    const RandomStream stream(d, Purpose::kTest);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(stream.uniform(k));
    const Dataset data = make_dataset("points", std::move(values), {d});
    EXPECT_EQ(write(data, nullptr), (std::vector<std::string>{"rows.png", "spectrum.png", "distances.png"}));
    EXPECT_GT(picture("rows.png").height, 100U);
    EXPECT_TRUE(fs::exists(folder_ / "rows.svg"));
    EXPECT_TRUE(fs::exists(folder_ / "distances.csv"));
  }
  // One row, and rows that are all equal.
  write(make_dataset<float>("one", {1, 2}, {2}), nullptr);
  write(make_dataset<float>("equal", std::vector<float>(9, 4), {3}), nullptr);
}

TEST_F(DescriptionPictures, SetsOfTwoChannelsAreShownAsNumbers) {
  const Dataset data = make_dataset<float>("two channels", std::vector<float>(16, 1), {2, 2, 2});
  EXPECT_EQ(write(data, nullptr)[0], "rows.png");
  EXPECT_TRUE(fs::exists(folder_ / "rows.csv"));
}

}  // namespace
}  // namespace scorefield

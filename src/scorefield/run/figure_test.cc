#include "scorefield/run/figure.h"

#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/test_folder_test.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Picture {
  unsigned width = 0, height = 0;
  std::vector<unsigned char> bytes;  // RGB

  bool is(unsigned x, unsigned y, int red, int green, int blue) const {
    const unsigned char* p = bytes.data() + 3 * (y * width + x);
    return p[0] == red && p[1] == green && p[2] == blue;
  }
  std::size_t count(int red, int green, int blue) const {
    std::size_t found = 0;
    for (unsigned y = 0; y < height; ++y) {
      for (unsigned x = 0; x < width; ++x) found += is(x, y, red, green, blue);
    }
    return found;
  }
};

Picture read_picture(const fs::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&image, path.c_str()), 0) << image.message;
  image.format = PNG_FORMAT_RGB;
  Picture picture{image.width, image.height, std::vector<unsigned char>(PNG_IMAGE_SIZE(image))};
  EXPECT_NE(png_image_finish_read(&image, nullptr, picture.bytes.data(), 0, nullptr), 0) << image.message;
  return picture;
}

class FigureTest : public testing::Test {
 protected:
  Picture write(const Figure& figure) {
    write_figure(figure, root_ / "f");
    const std::string svg = read_text(root_ / "f.svg", {});
    EXPECT_NE(svg.find("</svg>"), std::string::npos);
    return read_picture(root_ / "f.png");
  }

  TestFolder root_;
};

Figure one_panel(const Panel& panel) {
  Figure figure;
  figure.panels = {panel};
  return figure;
}

// The blue of the palette, of a bar drawn without blending.
constexpr int kBlue[] = {0, 114, 178};

TEST_F(FigureTest, BarsAreAsHighAsTheirValues) {
  Panel panel;
  panel.x.low = 0;
  panel.x.high = 2;
  panel.y.low = 0;
  panel.y.high = 4;
  panel.series = {Series{"", {0.5, 1.5}, {1, 3}, Mark::kBars, {}, {}, {}, -1, false}};
  const Picture picture = write(one_panel(panel));
  EXPECT_EQ(picture.width, 520u);
  EXPECT_EQ(picture.height, 340u);
  std::vector<std::size_t> heights;
  for (unsigned x = 0; x < picture.width; ++x) {
    std::size_t height = 0;
    for (unsigned y = 0; y < picture.height; ++y) height += picture.is(x, y, kBlue[0], kBlue[1], kBlue[2]);
    if (height > 10) heights.push_back(height);
  }
  ASSERT_GT(heights.size(), 100u);
  // Anti-aliased edge rows are not pure blue: up to two pixels of each bar, one of the axis line.
  EXPECT_NEAR(static_cast<double>(heights.back()), 3.0 * static_cast<double>(heights.front()), 9.0);
}

TEST_F(FigureTest, GapsAndEmptyPanelsAreDrawn) {
  Panel panel;
  panel.title = "not UTF-8: \xff\xc3 \xed\xa0\x80";
  panel.x.scale = panel.y.scale = Scale::kLog;
  panel.series = {Series{"gaps",
                         {0, 1, 2, kNaN, 4, 5},
                         {1, 2, -1, 3, std::numeric_limits<double>::infinity(), 7},
                         Mark::kLinePoints,
                         {0.1, 5, 1, 1, 1, kNaN},
                         {0, 1, 2, 3, 4, 5},
                         {1, 3, 5, 7, kNaN, 8},
                         -1,
                         false}};
  Figure figure = one_panel(panel);
  figure.panels.emplace_back();  // nothing to show
  figure.panels.emplace_back();
  figure.panels[2].y.scale = Scale::kLog;
  figure.panels[2].series = {Series{"one", {3}, {3}, Mark::kLine, {}, {}, {}, -1, false}};
  const Picture picture = write(figure);
  EXPECT_EQ(picture.width, 3 * 520u);
  EXPECT_GT(picture.count(kBlue[0], kBlue[1], kBlue[2]), 20u);
}

TEST_F(FigureTest, TheDataStandBesideIt) {
  Panel panel;
  panel.title = "a, \"b\"";
  panel.series = {Series{"s", {0.1, 2}, {kNaN, 3}, Mark::kLine, {0.5, 0.25}, {}, {}, -1, false},
                  Series{"", {1}, {1e-300}, Mark::kPoints, {}, {0}, {2}, -1, false}};
  Panel heat;
  heat.heat = {HeatMap{2, 2, {1, 2, 3, kNaN}, 0, 2, -1, 1, {"log p", Scale::kLinear, kNaN, kNaN, false}}};
  Figure figure = one_panel(panel);
  figure.panels.push_back(heat);
  write(figure);
  EXPECT_EQ(read_text(root_ / "f.csv", {}),
            "panel,series,x,y,error,band_low,band_high,value\n"
            "\"a, \"\"b\"\"\",s,0.1,nan,0.5,,,\n"
            "\"a, \"\"b\"\"\",s,2,3,0.25,,,\n"
            "\"a, \"\"b\"\"\",,1,1e-300,,0,2,\n"
            "2,log p,0.5,-0.5,,,,1\n"
            "2,log p,1.5,-0.5,,,,2\n"
            "2,log p,0.5,0.5,,,,3\n"
            "2,log p,1.5,0.5,,,,nan\n");
}

TEST_F(FigureTest, HeatMapsHaveRowZeroBelow) {
  Panel panel;
  panel.heat = {HeatMap{2, 1, {0, 1}, 0, 1, 0, 1, {}}};
  const Picture picture = write(one_panel(panel));
  // Ends of viridis: dark violet low, yellow high.
  EXPECT_TRUE(picture.is(200, 250, 68, 1, 84));
  EXPECT_TRUE(picture.is(200, 60, 253, 231, 37));
}

TEST_F(FigureTest, DescriptionsThatDisagreeAreBugs) {
  EXPECT_THROW(write_figure({}, root_ / "f"), Bug);
  Panel panel;
  panel.series = {Series{"", {1, 2}, {1}, Mark::kLine, {}, {}, {}, -1, false}};
  EXPECT_THROW(write_figure(one_panel(panel), root_ / "f"), Bug);
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FigureTest, AFolderThatIsMissingIsNamed) {
  try {
    write_figure(one_panel({}), root_ / "none" / "f");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("none/f.png"), std::string::npos);
  }
}

}  // namespace
}  // namespace scorefield

#include "scorefield/data/image_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>

#include "scorefield/base/error.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/image.h"
#include "scorefield/data/png.h"
#include "tests/raw_jpeg.h"
#include "tests/raw_png.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using test_files::PngColor;
using test_files::raw;
using test_files::RawJpeg;
using test_files::RawPng;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ImageFolder : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& content) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << content;
  }
  Dataset read(std::optional<std::size_t> resolution = {}, const Context& context = {}) const {
    return read_image_folder(root_, resolution, context);
  }
  std::string error(std::optional<std::size_t> resolution = {}, const Context& context = {}) const {
    try {
      read(resolution, context);
    } catch (const Error& e) {
      const std::string text = e.what();
      return text.starts_with(root_.path().string()) ? text.substr(root_.path().string().size()) : text;
    }
    return "no error";
  }

  TestFolder root_;
};

/// One pixel.
std::string grey(int value) {
  return RawPng{.scanlines = std::string(1, '\0') + static_cast<char>(value)}.bytes();
}
std::string rgb(const std::string& pixel) {
  return RawPng{.color = PngColor::kRgb, .scanlines = std::string(1, '\0') + pixel}.bytes();
}
std::string wide(std::uint32_t height, std::uint32_t width) {
  std::string rows;
  for (std::uint32_t y = 0; y < height; ++y) rows += std::string(width + 1, '\0');
  return RawPng{.width = width, .height = height, .scanlines = rows}.bytes();
}

std::vector<int> values(const Dataset& dataset) {
  const auto rows = std::get<RowsView<const std::uint8_t>>(dataset.stored());
  return {rows.data, rows.data + rows.rows * rows.cols};
}

TEST_F(ImageFolder, RowsAreInBytewiseOrderOfTheirPaths) {
  put("b.png", grey(3));
  put("B.png", grey(1));
  put("a10.png", grey(2));
  put("10", grey(0));
  const Dataset data = read();
  EXPECT_EQ(data.name(), root_.path().string());
  EXPECT_THAT(values(data), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(data.shape(), (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(data.affine(), kImageUnits);
  EXPECT_THAT(data.labels(), IsEmpty());
  EXPECT_THAT(data.notes(), IsEmpty());
}

TEST_F(ImageFolder, LabelsAreTheFirstFolders) {
  put("cat/x/1.png", grey(1));
  put("cat/2.png", grey(0));
  put("dog/1.png", grey(2));
  const Dataset data = read();
  EXPECT_THAT(values(data), ElementsAre(0, 1, 2));
  EXPECT_THAT(data.labels(), ElementsAre(0, 0, 1));
  EXPECT_THAT(data.label_names(), ElementsAre("cat", "dog"));
  put("mouse.png", grey(2));
  EXPECT_THAT(error(), HasSubstr(": 'mouse.png' lies beside the folder 'cat'"));
}

TEST_F(ImageFolder, LabelsMayComeFromEdmsFile) {
  put("00000/a.png", grey(1));
  put("00001/b.png", grey(2));
  put("dataset.json", R"({"labels": [["00000/a.png", 6], ["00001/b.png", 5], ["00001/c.png", 5]]})");
  EXPECT_THAT(read().labels(), ElementsAre(6, 5));
  EXPECT_THAT(read().notes(), ElementsAre("1 labels are for files that are not there"));
  put("dataset.json", R"({"labels": null})");
  EXPECT_THAT(read().labels(), IsEmpty());
  put("dataset.json", "");
  EXPECT_THAT(error(), HasSubstr("/dataset.json: byte "));
}

TEST_F(ImageFolder, ContentDecidesAndTheRestIsDeclared) {
  put("a.dat", grey(4));
  put("b.png", RawJpeg{.width = 1, .height = 1, .samples = {9}}.bytes());
  put("notes.txt", "some text");
  put(".hidden.png", "nonsense");
  put(".git/x.png", "nonsense");
  put("empty", "");
  EXPECT_THAT(values(read()), ElementsAre(4, 9));
  EXPECT_THAT(read().notes(), ElementsAre("2 files left out that are no images, the first 'empty'"));
  for (const char* name : {"c.png", "c.JPG", "c.jpeg"}) {
    put(name, "GIF89a");
    EXPECT_EQ(error(), std::string("/") + name + ": neither a PNG nor a JPEG file, whatever its name says");
    fs::remove(root_ / name);
  }
}

TEST_F(ImageFolder, NothingToReadIsAnError) {
  EXPECT_EQ(error(), ": holds no files");
  put("notes.txt", "some text");
  EXPECT_EQ(error(), ": none of its 1 files is a PNG or JPEG image (the first is 'notes.txt')");
  put("a.png", grey(0));
  EXPECT_EQ(read().size(), 1U);
  fs::create_directories(root_ / "x.png");  // a folder, whatever its name says
  EXPECT_EQ(read().size(), 1U);
  fs::remove_all(root_);
  EXPECT_EQ(error(), "/: cannot read: No such file or directory");
}

TEST_F(ImageFolder, GreyBecomesRgbBesideColour) {
  put("a.png", grey(4));
  put("b.png", rgb("\1\2\3"));
  put("c.png", grey(5));
  const Dataset data = read();
  EXPECT_EQ(data.shape(), (std::vector<std::size_t>{3, 1, 1}));
  EXPECT_THAT(values(data), ElementsAre(4, 4, 4, 1, 2, 3, 5, 5, 5));
  EXPECT_THAT(data.notes(), ElementsAre("2 of 3 images: grey made RGB"));
}

TEST_F(ImageFolder, WhatChangesPixelsIsDeclared) {
  put("alpha.png", RawPng{.color = PngColor::kRgba, .scanlines = raw("\0\1\2\3\x7f")}.bytes());
  put("sixteen.png", RawPng{.depth = 16, .color = PngColor::kRgb, .scanlines = raw("\0\1\1\1\1\1\1")}.bytes());
  RawJpeg jpeg{.width = 1, .height = 1, .given = JCS_CMYK, .stored = JCS_CMYK, .samples = {9, 9, 9, 9}};
  jpeg.app1 = test_files::exif(3);
  put("cmyk.jpg", jpeg.bytes());
  EXPECT_THAT(read().notes(), ElementsAre("1 of 3 images: transparency dropped", "1 of 3 images: 16 bits rounded to 8",
                                          "1 of 3 images: CMYK converted to RGB without a colour profile",
                                          "1 of 3 images: turned as their EXIF orientation says"));
}

TEST_F(ImageFolder, DifferentSizesAreRefusedWithAHint) {
  put("a.png", wide(2, 3));
  put("b.png", wide(2, 3));
  put("c.png", wide(4, 3));
  EXPECT_EQ(error(),
            ": 'a.png' is 2 x 3 but 'c.png' is 4 x 3 (height x width), and a data set has one size; --resolution 2 "
            "crops each to its central square and averages it to 2 x 2");
  const Dataset data = read(2);
  EXPECT_EQ(data.shape(), (std::vector<std::size_t>{1, 2, 2}));
  EXPECT_THAT(data.notes(), ElementsAre("images cropped to their central square and averaged by area to 2 x 2"));
  EXPECT_EQ(error(0), "--resolution 0 leaves no pixels");
  EXPECT_EQ(error(std::size_t{1} << 32), "--resolution 4294967296: the largest is 65535");
  EXPECT_EQ(error(~std::size_t{0}), "--resolution 18446744073709551615: the largest is 65535");
}

TEST_F(ImageFolder, OneDamagedFileIsNamed) {
  put("a.png", grey(4));
  put("b.png", grey(4).substr(0, 40));
  EXPECT_THAT(error(), HasSubstr("/b.png: damaged PNG: the file is cut off"));
}

TEST_F(ImageFolder, MemoryIsCheckedBeforeItIsTaken) {
  for (const char* name : {"a.png", "b.png", "c.png"}) put(name, wide(1000, 1000));
  Context context;
  context.memory_limit = 2 << 20;  // enough for two
  EXPECT_EQ(error({}, context),
            " needs 2.9 MiB, over the memory limit of 2 MiB; raise --memory-limit or use less data");
  EXPECT_EQ(read(10, context).size(), 3U);
  EXPECT_THAT(error(65535, context), HasSubstr("over the memory limit"));  // 4 GiB each, were they made first
}

TEST_F(ImageFolder, ThreadsShareTheMemoryForTheFilesToo) {
  for (const char* name : {"a.png", "b.png"}) put(name, grey(1) + std::string(600 << 10, '\0'));
  Context context;
  context.memory_limit = 1 << 20;
  EXPECT_EQ(read({}, context).size(), 2U);
  ThreadPool pool(2);
  context.pool = &pool;
  EXPECT_THAT(error({}, context), HasSubstr(".png needs 600.1 KiB, over the memory limit of 511.9 KiB"));
}

TEST_F(ImageFolder, LinksAreFollowedButNotInCircles) {
  put("a/1.png", grey(1));
  put("elsewhere.png", grey(2));
  fs::create_symlink(root_ / "elsewhere.png", root_ / "a/2.png");
  fs::rename(root_ / "elsewhere.png", root_ / ".elsewhere.png");
  EXPECT_EQ(error(), "/a/2.png: a link that leads nowhere; remove it");
  fs::rename(root_ / ".elsewhere.png", root_ / "elsewhere.png");
  put("a/.kept", "");
  fs::remove(root_ / "a/2.png");
  fs::create_symlink(root_ / "elsewhere.png", root_ / "link.png");
  fs::remove(root_ / "a/1.png");
  EXPECT_THAT(values(read()), ElementsAre(2, 2));
  fs::create_directory_symlink(root_, root_ / "a/loop");
  EXPECT_EQ(error(), "/a/loop: a link to " + root_.path().string() + "/, which is read already; remove the link");
}

TEST_F(ImageFolder, PipesAreNotWaitedFor) {
  put("a.png", grey(1));
  ASSERT_EQ(::mkfifo((root_ / "pipe.png").c_str(), 0600), 0);
  EXPECT_EQ(read().size(), 1U);
}

TEST_F(ImageFolder, WhatMayNotBeReadIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  put("a.png", grey(1));
  fs::permissions(root_ / "a.png", fs::perms::none);
  EXPECT_EQ(error(), "/a.png: cannot open: Permission denied");
  fs::permissions(root_ / "a.png", fs::perms::owner_all);
  put("b", grey(1));
  fs::permissions(root_ / "b", fs::perms::none);
  EXPECT_EQ(error(), "/b: cannot open: Permission denied");
  fs::permissions(root_ / "b", fs::perms::owner_all);
  put("c/d.png", grey(1));
  fs::permissions(root_ / "c", fs::perms::none);
  EXPECT_EQ(error(), "/c: cannot read: Permission denied");
  fs::permissions(root_ / "c", fs::perms::owner_all);
}

TEST_F(ImageFolder, ThreadsChangeNothing) {
  for (int k = 0; k < 64; ++k) put(std::to_string(k) + ".png", k == 40 ? rgb("\1\2\3") : grey(k));
  const Dataset serial = read();
  ThreadPool pool(4);
  Context context;
  context.pool = &pool;
  EXPECT_EQ(read({}, context).digest(), serial.digest());
  EXPECT_EQ(read({}, context).notes(), serial.notes());
  put("20.png", wide(2, 2));
  put("30.png", wide(3, 3));
  const std::string message = error();
  for (int repeat = 0; repeat < 20; ++repeat) EXPECT_EQ(error({}, context), message);
}

struct Sink : ProgressSink {
  double done = 0;
  double total = 0;
  void update(std::string_view, double done_now, double of) override {
    EXPECT_GT(done_now, done);
    done = done_now;
    total = of;
  }
};

TEST_F(ImageFolder, ReportsProgressAndCancels) {
  for (const char* name : {"a.png", "b.png", "c.png"}) put(name, grey(1));
  Sink sink;
  std::atomic<bool> cancelled{false};
  Context context;
  context.progress = &sink;
  context.cancelled = &cancelled;
  read({}, context);
  EXPECT_EQ(sink.done, 3);
  EXPECT_EQ(sink.total, 3);
  cancelled = true;
  EXPECT_THROW(read({}, context), Cancelled);
}

}  // namespace
}  // namespace scorefield

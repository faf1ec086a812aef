#include "scorefield/data/edm_zip.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/open.h"
#include "scorefield/data/zip_test.h"
#include "tests/raw_jpeg.h"
#include "tests/raw_png.h"

namespace scorefield {
namespace {

using test_files::RawPng;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::error_of;
using testing_support::make_zip;
using testing_support::ZipPart;

/// One pixel.
std::string pixel(int value) {
  return RawPng{.scanlines = std::string(1, '\0') + static_cast<char>(value)}.bytes();
}

Dataset read(const std::vector<ZipPart>& parts, const Context& context = {}) {
  return read_edm_zip(ZipArchive(make_blob("a.zip", make_zip(parts))), std::nullopt, context);
}

std::string refusal(const std::vector<ZipPart>& parts, const Context& context = {}) {
  return error_of([&] { read(parts, context); });
}

std::vector<int> values(const Dataset& dataset) {
  const auto rows = std::get<RowsView<const std::uint8_t>>(dataset.stored());
  return {rows.data, rows.data + rows.rows * rows.cols};
}

TEST(EdmZip, AsEdmWritesIt) {
  for (const int method : {0, 8}) {
    const Dataset data = read({{.name = "00001/img00001000.png", .content = pixel(3), .method = method},
                               {.name = "00000/img00000001.png", .content = pixel(2), .method = method},
                               {.name = "00000/img00000000.png", .content = pixel(1), .method = method},
                               {.name = "dataset.json",
                                .content = R"({"labels": [["00000/img00000000.png", 6], ["00000/img00000001.png", 0],
                                                          ["00001/img00001000.png", 9]]})",
                                .method = method}});
    EXPECT_EQ(data.name(), "a.zip");
    EXPECT_EQ(data.shape(), (std::vector<std::size_t>{1, 1, 1}));
    EXPECT_EQ(data.affine(), kImageUnits);
    EXPECT_THAT(values(data), ElementsAre(1, 2, 3));
    EXPECT_THAT(data.labels(), ElementsAre(6, 0, 9));
    EXPECT_THAT(data.notes(), IsEmpty());
  }
}

TEST(EdmZip, LabelsMayBeNullOrFolders) {
  EXPECT_THAT(read({{.name = "00000/a.png", .content = pixel(1)},
                    {.name = "00001/a.png", .content = pixel(2)},
                    {.name = "dataset.json", .content = R"({"labels": null})"}})
                  .labels(),
              IsEmpty());
  const Dataset data = read({{.name = "b/x.png", .content = pixel(1)}, {.name = "a/x.png", .content = pixel(2)}});
  EXPECT_THAT(data.labels(), ElementsAre(0, 1));
  EXPECT_THAT(data.label_names(), ElementsAre("a", "b"));
}

TEST(EdmZip, OtherEntriesAreLeftOut) {
  const test_files::RawJpeg jpeg{.width = 1, .height = 1, .samples = {9}};
  const Dataset data = read({{.name = "folder/"},
                             {.name = "folder/a.PNG", .content = pixel(1)},
                             {.name = "folder/b.jpeg", .content = jpeg.bytes()},
                             {.name = ".DS_Store", .content = "x"},
                             {.name = "folder/._a.png", .content = "x"},
                             {.name = "__MACOSX/folder/a.png", .content = "x"},
                             {.name = "folder/dataset.json", .content = "not at the root"},
                             {.name = "LICENSE", .content = "x"}});
  EXPECT_THAT(values(data), ElementsAre(1, 9));
  EXPECT_THAT(data.notes(), ElementsAre("2 files left out that are no images, the first 'LICENSE'"));
}

TEST(EdmZip, NothingToReadIsAnError) {
  EXPECT_EQ(refusal({}), "a.zip: holds no files");
  EXPECT_EQ(refusal({{.name = "x.txt", .content = "x"}}),
            "a.zip: none of its 1 files is a PNG or JPEG image (the first is 'x.txt')");
}

TEST(EdmZip, ErrorsNameFileAndEntry) {
  EXPECT_EQ(refusal({{.name = "a.png", .content = "x"}}),
            "a.zip: a.png: neither a PNG nor a JPEG file, whatever its name says");
  EXPECT_THAT(refusal({{.name = "a.png", .content = pixel(1)}, {.name = "b.png", .content = pixel(1).substr(0, 50)}}),
              HasSubstr("a.zip: b.png: damaged PNG: "));
  EXPECT_EQ(refusal({{.name = "a.png", .content = pixel(1)}, {.name = "dataset.json", .content = R"({"labels": []})"}}),
            "a.zip: dataset.json: no label for 'a.png'");
  EXPECT_EQ(refusal({{.name = "dataset.json", .content = "{"}, {.name = "a.png", .content = pixel(1)}}),
            "a.zip: dataset.json: byte 2: not JSON");
}

TEST(EdmZip, HostileArchivesAreErrors) {
  const std::string png = pixel(1);
  EXPECT_THAT(refusal({{.name = "../a.png", .content = png}}), HasSubstr("the entry '../a.png' leads out of the zip"));
  EXPECT_THAT(refusal({{.name = "/a.png", .content = png}}), HasSubstr("the entry '/a.png' leads out of the zip"));
  EXPECT_THAT(refusal({{.name = "x\\a.png", .content = png}}), HasSubstr("leads out of the zip"));
  EXPECT_EQ(refusal({{.name = "a.png", .content = png}, {.name = "a.png", .content = png}}),
            "a.zip: the entry 'a.png' comes twice");
  EXPECT_THAT(refusal({{.name = "a.png", .content = png, .flags = 1}}), HasSubstr("the entry 'a.png' is encrypted"));
  EXPECT_THAT(refusal({{.name = "a.png", .content = png, .method = 14}}), HasSubstr("packed by method 14"));
  EXPECT_EQ(refusal({{.name = "a.png", .content = png, .method = 8, .size = png.size() + 1}}),
            fmt::format("a.zip: a.png: does not inflate to the {} bytes that the zip promises", png.size() + 1));
  EXPECT_THAT(refusal({{.name = "a.png", .content = png, .method = 8, .size = 1 << 30}}),
              HasSubstr("the entry 'a.png' cannot hold 1073741824 bytes"));
  EXPECT_EQ(refusal({{.name = "a.png", .content = png, .crc = 7}}),
            "a.zip: a.png: its CRC-32 is wrong; the file is damaged");
}

TEST(EdmZip, BombsAreOverTheMemoryLimit) {
  Context context;
  context.memory_limit = 1 << 20;
  EXPECT_EQ(refusal({{.name = "a.png", .content = std::string(2 << 20, 'x'), .method = 8}}, context),
            "a.zip: a.png needs 2 MiB, over the memory limit of 1 MiB; raise --memory-limit or use less data");
  // Small entries whose pictures are 1 MiB each.
  const std::string big = RawPng{.width = 1024, .height = 1024, .scanlines = std::string(1024 * 1025, '\0')}.bytes();
  context.memory_limit = (2 << 20) + big.size();  // the data, and one picture with its file while it is decoded
  EXPECT_EQ(read({{.name = "a.png", .content = big}}, context).size(), 1U);
  EXPECT_THAT(refusal({{.name = "a.png", .content = big}, {.name = "b.png", .content = big}}, context),
              HasSubstr("a.png needs 1 MiB, over the memory limit"));
  context.memory_limit = (2 << 20) - 1;
  EXPECT_EQ(refusal({{.name = "a.png", .content = big}, {.name = "b.png", .content = big}}, context),
            "a.zip needs 2 MiB, over the memory limit of 1.9 MiB; raise --memory-limit or use less data");
}

TEST(EdmZip, ThreadsChangeNothing) {
  std::vector<ZipPart> parts;
  for (int k = 0; k < 50; ++k) parts.push_back({.name = std::to_string(k) + ".png", .content = pixel(k), .method = 8});
  ThreadPool pool(4);
  Context context;
  context.pool = &pool;
  EXPECT_EQ(read(parts, context).digest(), read(parts).digest());
}

TEST(EdmZip, IsKnownByItsContent) {
  const TestFolder folder;
  const std::string zip = make_zip({{.name = "a.png", .content = pixel(5)}});
  const auto path = folder.write("images.bin", zip);
  EXPECT_THAT(values(open_dataset(path, {}, {})), ElementsAre(5));
  DatasetOptions options;
  options.resolution = 2;
  EXPECT_EQ(open_dataset(path, options, {}).shape(), (std::vector<std::size_t>{1, 2, 2}));
  options.key = "x";
  EXPECT_THAT(error_of([&] { open_dataset(path, options, {}); }), HasSubstr("--key names an array of an npz"));
}

}  // namespace
}  // namespace scorefield

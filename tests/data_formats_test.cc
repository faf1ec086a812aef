// The same images in every format that can hold them are the same data set.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "scorefield/data/image.h"
#include "scorefield/data/npy.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/data/open.h"
#include "scorefield/data/png.h"
#include "scorefield/data/zip_test.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using testing_support::make_zip;
using testing_support::ZipPart;

constexpr std::size_t kCount = 20;

/// 20 images without a pattern, two of each of ten classes, in the order of the classes.
struct Truth {
  std::vector<Image> images;
  std::vector<std::int32_t> labels;
  Dataset dataset;

  Truth(std::size_t channels, std::size_t side) {
    std::vector<std::uint8_t> rows;
    std::uint32_t state = 12345;
    for (std::size_t i = 0; i < kCount; ++i) {
      Image image{side, side, channels, {}};
      for (std::size_t k = 0; k < channels * side * side; ++k) {
        state = state * 1664525U + 1013904223U;
        image.pixels.push_back(static_cast<std::uint8_t>(state >> 24));
      }
      const std::size_t begin = rows.size();
      rows.resize(begin + image.pixels.size());
      copy_channel_major(image, std::span(rows).subspan(begin));
      images.push_back(std::move(image));
      labels.push_back(static_cast<std::int32_t>(i / 2));
    }
    dataset = make_dataset("truth", std::move(rows), {channels, side, side}, kImageUnits, labels);
  }

  /// [N, H, W, C].
  std::string pixels() const {
    std::string bytes;
    for (const Image& image : images) bytes.append(image.pixels.begin(), image.pixels.end());
    return bytes;
  }
  std::string png(std::size_t i) const {
    const std::vector<std::byte> bytes = encode_png(images[i]);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string path(std::size_t i) const { return fmt::format("{}/{:06}.png", labels[i], i); }
};

/// The same rows, labels, shape and units: all that a digest is made from.
void expect_same(const Dataset& read, const Truth& truth) {
  EXPECT_EQ(read.shape(), truth.dataset.shape()) << read.name();
  EXPECT_EQ(read.affine(), truth.dataset.affine()) << read.name();
  EXPECT_TRUE(std::equal(read.labels().begin(), read.labels().end(), truth.labels.begin(), truth.labels.end()))
      << read.name();
  EXPECT_EQ(read.digest(), truth.dataset.digest()) << read.name();
}

void write_npz(const fs::path& path, const Truth& truth, const char* images, const char* labels) {
  const std::string pixels = truth.pixels();
  const std::size_t side = truth.images[0].height;
  NpzWriter writer(path);
  writer.begin_array(images, ScalarType::kU8, std::vector<std::size_t>{kCount, side, side, truth.images[0].channels});
  writer.append(std::as_bytes(std::span(pixels)));
  writer.add_array<std::int32_t>(labels, std::vector<std::size_t>{kCount}, truth.labels);
  writer.finish();
}

void check_formats(const TestFolder& folder, const Truth& truth) {
  const std::size_t side = truth.images[0].height;
  const std::size_t channels = truth.images[0].channels;
  const auto open = [&](const std::string& name) { return open_dataset(folder / name, {}, {}); };

  write_npz(folder / "adm.npz", truth, "arr_0", "arr_1");
  expect_same(open("adm.npz"), truth);
  write_npz(folder / "named.npz", truth, "images", "labels");
  expect_same(open("named.npz"), truth);

  // An .npy has no labels: the rows alone.
  const std::string pixels = truth.pixels();
  write_npy(folder / "images.npy", ScalarType::kU8, std::vector<std::size_t>{kCount, side, side, channels},
            std::as_bytes(std::span(pixels)));
  const Dataset npy = open("images.npy");
  expect_same(make_dataset("npy",
                           std::vector<std::uint8_t>(std::get<0>(npy.stored()).data,
                                                     std::get<0>(npy.stored()).data + kCount * npy.dimension()),
                           npy.shape(), npy.affine(), truth.labels),
              truth);

  std::string json = R"({"labels": [)";
  std::vector<ZipPart> parts;
  for (std::size_t i = 0; i < kCount; ++i) {
    fs::create_directories((folder / ("folder/" + truth.path(i))).parent_path());
    folder.write("folder/" + truth.path(i), truth.png(i));
    ZipPart part;
    part.name = truth.path(i);
    part.content = truth.png(i);
    part.method = i % 2 == 0 ? 0 : 8;
    parts.insert(parts.begin(), part);  // the order in the archive does not count
    json += fmt::format(R"({}["{}", {}])", i == 0 ? "" : ", ", truth.path(i), truth.labels[i]);
  }
  expect_same(open("folder"), truth);
  folder.write("folders.zip", make_zip(parts));
  expect_same(open("folders.zip"), truth);
  ZipPart part;
  part.name = "dataset.json";
  part.content = json + "]}";
  parts.push_back(part);
  folder.write("edm.zip", make_zip(parts));
  expect_same(open("edm.zip"), truth);
}

TEST(DataFormats, ColourImagesAreTheSameInEveryFormat) {
  const TestFolder folder;
  const Truth truth(3, 32);
  check_formats(folder, truth);
  std::string batch;
  for (std::size_t i = 0; i < kCount; ++i) {
    std::vector<std::uint8_t> row(3 * 32 * 32);
    copy_channel_major(truth.images[i], row);
    batch += static_cast<char>(truth.labels[i]);
    batch.append(row.begin(), row.end());
  }
  expect_same(open_dataset(folder.write("data_batch_1.bin", batch), {}, {}), truth);
}

TEST(DataFormats, GreyImagesAreTheSameInEveryFormat) {
  const TestFolder folder;
  const Truth truth(1, 28);
  check_formats(folder, truth);
  folder.write("train-labels-idx1-ubyte",
               std::string({0, 0, 8, 1, 0, 0, 0, kCount}) + std::string(truth.labels.begin(), truth.labels.end()));
  const std::string idx = std::string({0, 0, 8, 3, 0, 0, 0, kCount, 0, 0, 0, 28, 0, 0, 0, 28}) + truth.pixels();
  expect_same(open_dataset(folder.write("train-images-idx3-ubyte", idx), {}, {}), truth);
}

TEST(DataFormats, AResolutionMeansTheSameInEveryFormat) {
  const TestFolder folder;
  const Truth truth(3, 32);
  check_formats(folder, truth);
  DatasetOptions options;
  options.resolution = 12;
  const std::string digest = open_dataset(folder / "adm.npz", options, {}).digest();
  EXPECT_EQ(open_dataset(folder / "folder", options, {}).digest(), digest);
  EXPECT_EQ(open_dataset(folder / "edm.zip", options, {}).digest(), digest);
  EXPECT_EQ(open_dataset(folder / "edm.zip", options, {}).notes(),
            open_dataset(folder / "folder", options, {}).notes());
}

}  // namespace
}  // namespace scorefield

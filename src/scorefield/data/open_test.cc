#include "scorefield/data/open.h"

#include "scorefield/data/npy.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/data/zip_test.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_error;
using testing_support::make_zip;
using testing_support::raw;

std::string npy(std::vector<std::size_t> shape, const std::vector<float>& values) {
  return npy_header(ScalarType::kF32, shape) + raw(values);
}

DatasetOptions with_units(const std::string& units) {
  DatasetOptions options;
  options.units = units;
  return options;
}

TEST(OpenDataset, FashionMnist) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")) {
    GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  }
  const Dataset data = open_dataset("fashion-mnist", {}, {});
  EXPECT_EQ(data.size(), 60000u);
  EXPECT_EQ(data.shape(), (std::vector<std::size_t>{1, 28, 28}));
  EXPECT_EQ(data.classes(), 10u);
  EXPECT_EQ(data.affine(), kImageUnits);
  // The first training image is an ankle boot (the data set's own documentation).
  EXPECT_EQ(data.label_names().at(data.labels()[0]), "Ankle boot");
  std::vector<std::size_t> counts(10);
  for (const auto label : data.labels()) ++counts[label];
  EXPECT_EQ(counts, std::vector<std::size_t>(10, 6000));
  EXPECT_EQ(open_dataset("fashion-mnist:test", {}, {}).size(), 10000u);
}

TEST(OpenDataset, TheContentDecidesWhoReads) {
  const TestFolder folder;
  const auto open = [&](const std::string& content) { return open_dataset(folder.write("x.png", content), {}, {}); };
  EXPECT_EQ(open(npy({2, 1}, {1, 2})).size(), 2u);
  EXPECT_EQ(open(make_zip({{"a.npy", npy({3, 1}, {1, 2, 3}), 8}})).size(), 3u);
  EXPECT_EQ(open("1,2\n3,4\n5,6\n7,8\n").size(), 4u);
  EXPECT_EQ(open(std::string("\0\0\x08\2\0\0\0\1\0\0\0\2ab", 14)).size(), 1u);
  EXPECT_EQ(open("\5" + std::string(3072, 'a')).shape(), (std::vector<std::size_t>{3, 32, 32}));
  // A black first row of CIFAR begins like an idx file; the sizes of the whole tell.
  EXPECT_EQ(open(std::string("\0\0\x08\1", 4) + std::string(3069, '\0')).shape().size(), 3u);
  expect_error([&] { open(""); }, "x.png: the file is empty");
  expect_error([&] { open("\x80\x04\x95pickle"); }, "a Python pickle, which can run code when read");
  expect_error(
      [&] {
        open(
            std::string("\x7F"
                        "ELF\1",
                        5));
      },
      "x.png: not a known format");
}

TEST(OpenDataset, AFolderOfMnistsFiles) {
  const TestFolder folder;
  const std::string images("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\1ab", 18);
  const std::string labels("\0\0\x08\1\0\0\0\2\3\4", 10);
  folder.write("train-images-idx3-ubyte", images);
  const std::string path = folder / "";
  expect_error([&] { open_dataset(path, {}, {}); }, "the labels that go with train-images-idx3-ubyte are missing");
  folder.write("train-labels-idx1-ubyte", labels);
  const Dataset train = open_dataset(path, {}, {});
  EXPECT_EQ(train.size(), 2u);
  EXPECT_EQ(train.labels()[1], 4);
  EXPECT_EQ(train.shape(), (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(test_set_of(path), "");
  expect_error([&] { open_dataset(path + ":test", {}, {}); }, "t10k-images-idx3-ubyte is missing");

  folder.write("t10k-images.idx3-ubyte", std::string("\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0\1a", 17));
  folder.write("t10k-labels.idx1-ubyte", std::string("\0\0\x08\1\0\0\0\1\7", 9));
  EXPECT_EQ(test_set_of(path), path + ":test");
  const Dataset test = open_dataset(path + ":test", {}, {});
  EXPECT_EQ(test.size(), 1u);
  EXPECT_EQ(test.labels()[0], 7);
  EXPECT_EQ(test.name(), path + ":test");
  EXPECT_EQ(test_set_of("fashion-mnist"), "fashion-mnist:test");
  EXPECT_EQ(test_set_of("ring"), "");
}

TEST(OpenDataset, SyntheticSetsAndNearNames) {
  EXPECT_EQ(open_dataset("ring:n=7", {}, {}).size(), 7u);
  expect_error([] { open_dataset("fashion-mnits", {}, {}); }, "no such file or folder");
  expect_error([] { open_dataset("fashion-mnits", {}, {}); }, "did you mean 'fashion-mnist'");
  expect_error([] { open_dataset("checkerbord", {}, {}); }, "did you mean 'checkerboard'?");
  expect_error([] { open_dataset("rings:n=3,modes=2", {}, {}); }, "unknown data set 'rings'; did you mean 'ring'?");
  expect_error([] { open_dataset(std::string(5000, 'x'), {}, {}); }, "no such file or folder");
  expect_error([] { open_dataset("/no/such/file", {}, {}); }, "no such file or folder");
}

TEST(OpenDataset, RowsInPlaceAreMappedNotLoaded) {
  const TestFolder folder;
  const std::vector<float> values(4096, 0.5F);
  const std::size_t shape[] = {64, 64};
  write_npy<float>(folder / "a.npy", shape, values);
  NpzWriter writer(folder / "a.npz");
  writer.add_array<float>("x", shape, values);
  writer.finish();
  Context context;
  context.memory_limit = 1024;  // 16 KiB are read
  EXPECT_EQ(open_dataset(folder / "a.npy", {}, context).size(), 64u);
  EXPECT_EQ(open_dataset(folder / "a.npz", {}, context).size(), 64u);
  const fs::path swapped =
      folder.write("b.npy", "\x93NUMPY\x01" + std::string("\0\x3C\0", 3) +
                                "{'descr': '>f4', 'fortran_order': False, 'shape': (64, 64)}\n" + raw(values));
  expect_error([&] { open_dataset(swapped, {}, context); }, "memory limit");
}

TEST(OpenDataset, KeysAreForNpz) {
  const TestFolder folder;
  DatasetOptions options;
  options.key = "b";
  const fs::path npz = folder.write("x", make_zip({{"a.npy", npy({1, 1}, {1})}, {"b.npy", npy({2, 1}, {1, 2})}}));
  EXPECT_EQ(open_dataset(npz, options, {}).size(), 2u);
  const fs::path single = folder.write("y", npy({1, 1}, {1}));
  expect_error([&] { open_dataset(single, options, {}); }, "--key names an array of an npz, and this is none");
  expect_error([&] { open_dataset("ring", options, {}); }, "--key names an array of an npz, and this is none");
}

TEST(OpenDataset, ClassesKeepTheirNumbers) {
  const TestFolder folder;
  const fs::path path = folder.write("x", "x,label\n1,0\n2,5\n3,7\n4,5\n");
  DatasetOptions options;
  options.classes = {7, 5};
  const Dataset data = open_dataset(path, options, {});
  EXPECT_EQ(data.size(), 3u);
  EXPECT_EQ(data.labels()[1], 7);
  EXPECT_EQ(data.notes(), std::vector<std::string>{"classes 7,5"});
  options.subset = 2;
  EXPECT_EQ(open_dataset(path, options, {}).size(), 2u);
  EXPECT_EQ(open_dataset(path, options, {}).notes().back(), "the first 2 rows");
  options.classes = {1};
  expect_error([&] { open_dataset(path, options, {}); },
               "--classes: no row has the label 1; the labels go from 0 to 7");
  options.classes = {0};
  expect_error([&] { open_dataset(folder.write("y", "1 2\n"), options, {}); }, "--classes needs labels");
}

TEST(OpenDataset, SubsetsAreFirstRows) {
  DatasetOptions options;
  options.subset = 3;
  EXPECT_EQ(open_dataset("ring", options, {}).size(), 3u);
  options.subset = 0;
  expect_error([&] { open_dataset("ring", options, {}); }, "ring: --subset 0 leaves no rows");
  options.subset = 2001;
  expect_error([&] { open_dataset("ring", options, {}); }, "ring: --subset 2001: there are only 2000 rows");
}

TEST(OpenDataset, UnitsAreTheUsers) {
  const TestFolder folder;
  const std::string bytes = folder.write("x", std::string("\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0\2\0\xFF", 18));
  const auto row = [](const Dataset& data) {
    std::vector<double> values(data.dimension());
    data.row(0, values);
    return values;
  };
  EXPECT_EQ(row(open_dataset(bytes, {}, {})), (std::vector<double>{-1, 1}));
  EXPECT_EQ(row(open_dataset(bytes, with_units("image"), {})), (std::vector<double>{-1, 1}));
  EXPECT_EQ(row(open_dataset(bytes, with_units("unit"), {})), (std::vector<double>{0, 1}));
  EXPECT_EQ(row(open_dataset(bytes, with_units("stored"), {})), (std::vector<double>{0, 255}));
  EXPECT_EQ(row(open_dataset(bytes, with_units("2,-0.5"), {})), (std::vector<double>{-0.5, 509.5}));
  expect_error([&] { open_dataset("ring", with_units("unit"), {}); }, "ring: --units unit is for 8-bit values");
  for (const char* units : {"x", "1", "1,", ",1", "1,2,3", "0,1", "nan,1", "1,inf", "1 ,2"}) {
    expect_error([&] { open_dataset("ring", with_units(units), {}); }, "known are unit, image, stored, or A,B");
  }
  for (const char* units : {"1e-200,0", "-1e-101,0", "1e101,0", "-1e200,0", "1,1e101", "1,-1e200"}) {
    expect_error([&] { open_dataset("ring", with_units(units), {}); }, "A must lie between 1e-100 and 1e+100 in size");
  }
  EXPECT_EQ(open_dataset("ring", with_units("-1e-100,1e100"), {}).affine(), (Affine{-1e-100, 1e100}));
  EXPECT_EQ(open_dataset("ring", with_units("1e100,0"), {}).affine(), (Affine{1e100, 0}));
}

TEST(OpenDataset, SelectionsKeepTheMemoryLimit) {
  Context context;
  context.memory_limit = sizeof(double) * 2000 * 2;
  DatasetOptions options;
  options.subset = 2000;
  EXPECT_NO_THROW(open_dataset("ring", options, context));
  --context.memory_limit;
  expect_error([&] { open_dataset("ring", options, context); }, "memory limit");
}

}  // namespace
}  // namespace scorefield

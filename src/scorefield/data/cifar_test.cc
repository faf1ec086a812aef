#include "scorefield/data/cifar.h"

#include <gtest/gtest.h>

#include "scorefield/data/readers_test.h"

namespace scorefield {
namespace {

using testing_support::expect_error;

/// A record of constant pixels.
std::string record(const std::vector<int>& labels, char pixel) {
  return std::string(labels.begin(), labels.end()) + std::string(3072, pixel);
}

std::string label_names(int count) {
  std::string lines;
  for (int k = 0; k < count; ++k) lines += "class" + std::to_string(k) + "\r\n";
  return lines + "\n";
}

Dataset read(const std::vector<std::string>& batches) {
  std::vector<Blob> blobs;
  for (std::size_t k = 0; k < batches.size(); ++k) blobs.push_back(make_blob("b" + std::to_string(k), batches[k]));
  return read_cifar(blobs, {});
}

TEST(Cifar, ReadsBatchesOfTen) {
  const Dataset data = read({record({3}, 'a') + record({9}, 'b'), record({0}, 'c')});
  EXPECT_EQ(data.size(), 3u);
  EXPECT_EQ(data.shape(), (std::vector<std::size_t>{3, 32, 32}));
  EXPECT_EQ(data.affine(), kImageUnits);
  EXPECT_EQ(data.labels()[1], 9);
  const auto rows = std::get<RowsView<const std::uint8_t>>(data.stored());
  EXPECT_EQ(rows(1, 0), 'b');
  EXPECT_EQ(rows(2, 3071), 'c');
}

TEST(Cifar, ReadsFineLabelsOfAHundred) {
  const Dataset data = read({record({19, 99}, 'a')});
  EXPECT_EQ(data.labels()[0], 99);
  EXPECT_EQ((std::get<RowsView<const std::uint8_t>>(data.stored())(0, 0)), 'a');
}

TEST(Cifar, OpensFoldersAndFiles) {
  const TestFolder folder;
  folder.write("data_batch_1.bin", record({1}, 'a'));
  folder.write("data_batch_2.bin", record({2}, 'b'));
  folder.write("data_batch_10.bin", record({9}, 'z'));  // no third: not one of them
  folder.write("test_batch.bin", record({5}, 'c'));
  EXPECT_TRUE(is_cifar_folder(folder / ""));
  EXPECT_TRUE(open_cifar(folder / "", {}).label_names().empty());
  folder.write("batches.meta.txt", label_names(10));
  const Dataset data = open_cifar(folder / "", {});
  EXPECT_EQ(data.size(), 2u);
  EXPECT_EQ(data.label_names()[9], "class9");
  EXPECT_EQ(open_cifar(folder / "test_batch.bin", {}).labels()[0], 5);
  folder.write("batches.meta.txt", label_names(9));
  expect_error([&] { open_cifar(folder / "", {}); }, "batches.meta.txt: 9 label names; CIFAR-10 has 10");
  folder.write("train.bin", record({0, 50}, 'a'));
  folder.write("fine_label_names.txt", label_names(100));
  EXPECT_EQ(open_cifar(folder / "", {}).label_names()[50], "class50");
}

TEST(Cifar, RefusesOtherSizesAndLabels) {
  expect_error([] { read({""}); }, "b0: 0 bytes are no whole number of CIFAR records (3073 or 3074 bytes each)");
  expect_error([] { read({record({1}, 'a') + "x" + "y"}); }, "b0: 3075 bytes");
  expect_error(
      [] {
        read({record({1}, 'a'), record({1, 1}, 'a')});
      },
      "b1: 3074 bytes are no whole number of CIFAR-10 records (3073 bytes each)");
  expect_error([] { read({record({1}, 'a') + record({10}, 'a')}); },
               "b0: record 1 (byte 3073) has the label 10, over the 10 classes of CIFAR-10");
  expect_error([] { read({record({20, 1}, 'a')}); }, "over the 100 classes of CIFAR-100");
  EXPECT_FALSE(looks_like_cifar(make_blob("", record({10}, 'a')).bytes));
  EXPECT_FALSE(looks_like_cifar({}));
  EXPECT_TRUE(looks_like_cifar(make_blob("", record({9}, 'a')).bytes));
}

}  // namespace
}  // namespace scorefield

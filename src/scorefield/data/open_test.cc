#include "scorefield/data/open.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

bool has_fashion_mnist() {
  return std::filesystem::exists("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz");
}

TEST(OpenDataset, FashionMnist) {
  if (!has_fashion_mnist()) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
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

}  // namespace
}  // namespace scorefield

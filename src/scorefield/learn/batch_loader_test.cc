#include "scorefield/learn/batch_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

/// Rows i, i + 0.25, i + 0.5 ... of class i mod 3.
Dataset numbered(std::size_t rows, std::vector<std::size_t> shape) {
  const std::size_t d = std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  std::vector<float> values;
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < d; ++k) values.push_back(static_cast<float>(i) + 0.25F * static_cast<float>(k));
    labels.push_back(static_cast<std::int32_t>(i % 3));
  }
  return make_dataset("numbered", values, std::move(shape), {}, labels);
}

TEST(BatchLoader, EachEpochHasEveryRowOnceInAnotherOrder) {
  LoaderOptions options;
  options.batch = 8;
  const BatchLoader loader(numbered(20, {2}), options);
  std::vector<std::size_t> rows;
  for (std::uint64_t step = 0; step < 5; ++step) {
    for (std::size_t i = 0; i < 8; ++i) rows.push_back(loader.row_of(step, i));
  }
  std::vector<std::size_t> expected(20);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_NE(std::vector(rows.begin(), rows.begin() + 20), std::vector(rows.begin() + 20, rows.end()));
  for (const std::ptrdiff_t epoch : {0, 1}) {
    std::vector<std::size_t> seen(rows.begin() + 20 * epoch, rows.begin() + 20 * (epoch + 1));
    EXPECT_NE(seen, expected);
    std::ranges::sort(seen);
    EXPECT_EQ(seen, expected);
  }
}

TEST(BatchLoader, PiecesOfABatchAreThoseOfTheWhole) {
  LoaderOptions options;
  options.batch = 10;
  options.labels = true;
  options.class_dropout = 0.3;
  options.flip = true;
  const BatchLoader loader(numbered(7, {1, 2, 3}), options);  // more than one epoch a batch
  Rows whole(10, 6);
  std::vector<std::int32_t> classes(10);
  loader.load(3, 0, whole.view(), classes);
  Rows part(4, 6);
  std::vector<std::int32_t> part_classes(4);
  loader.load(3, 5, part.view(), part_classes);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(std::ranges::equal(part[i], whole[5 + i]));
    EXPECT_EQ(part_classes[i], classes[5 + i]);
  }
}

TEST(BatchLoader, DropsClassesAndFlipsAtTheirRates) {
  LoaderOptions options;
  options.batch = 2000;
  options.labels = true;
  options.class_dropout = 0.2;
  options.flip = true;
  const BatchLoader loader(numbered(50, {1, 2, 3}), options);
  Rows x(2000, 6);
  std::vector<std::int32_t> classes(2000);
  loader.load(1, 0, x.view(), classes);
  int dropped = 0;
  int flipped = 0;
  int both = 0;
  for (std::size_t i = 0; i < 2000; ++i) {
    const auto row = static_cast<double>(loader.row_of(1, i));
    const bool is_flipped = x(i, 0) != row;
    const double expected[] = {0.5, 0.25, 0, 1.25, 1, 0.75};
    for (std::size_t k = 0; k < 6; ++k) {
      EXPECT_EQ(x(i, k), row + (is_flipped ? expected[k] : 0.25 * static_cast<double>(k)));
    }
    const bool is_dropped = classes[i] == -1;
    EXPECT_EQ(classes[i], is_dropped ? -1 : static_cast<int>(row) % 3);
    dropped += is_dropped ? 1 : 0;
    flipped += is_flipped ? 1 : 0;
    both += is_dropped && is_flipped ? 1 : 0;
  }
  // Binomial counts of 2000; five deviations.
  EXPECT_NEAR(dropped, 400, 5 * std::sqrt(2000 * 0.2 * 0.8));
  EXPECT_NEAR(flipped, 1000, 5 * std::sqrt(2000 * 0.25));
  EXPECT_NEAR(both, 200, 5 * std::sqrt(2000 * 0.1 * 0.9));
}

TEST(BatchLoader, WithoutOptionsRowsAreAsTheyAre) {
  LoaderOptions options;
  options.batch = 5;
  const BatchLoader loader(numbered(5, {2}), options);
  Rows x(5, 2);
  std::vector<std::int32_t> classes(5);
  loader.load(0, 0, x.view(), classes);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(x(i, 0), static_cast<double>(loader.row_of(0, i)));
    EXPECT_EQ(classes[i], -1);
  }
}

TEST(BatchLoader, WhatTheDataCannotGiveIsRefused) {
  const Dataset plain = make_dataset("plain", std::vector<float>{1, 2}, {1});
  LoaderOptions options;
  options.labels = true;
  EXPECT_THROW(BatchLoader(plain, options), Error);
  options = {};
  options.flip = true;
  EXPECT_THROW(BatchLoader(plain, options), Error);
  options = {};
  options.class_dropout = 1.5;
  EXPECT_THROW(BatchLoader(plain, options), Error);
}

}  // namespace
}  // namespace scorefield

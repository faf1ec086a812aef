#include "scorefield/metrics/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

Dataset random_data(std::size_t n, std::size_t d, std::uint64_t seed) {
  std::vector<double> values(n * d);
  RandomStream(seed, Purpose::kTest).normals(values);
  return make_dataset("random", std::move(values), {d});
}

std::vector<std::size_t> all_rows(const Dataset& data) {
  std::vector<std::size_t> rows(data.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

struct Neighbour {
  double distance;
  std::uint32_t row;
  bool operator<(const Neighbour& other) const {
    return distance < other.distance || (distance == other.distance && row < other.row);
  }
};

/// All rows but `skipped` by distance from x, the lower row first among equals.
std::vector<Neighbour> sorted_neighbours(const Dataset& data, std::span<const double> x, std::size_t skipped) {
  std::vector<Neighbour> found;
  std::vector<double> row(data.dimension());
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i == skipped) continue;
    data.row(i, row);
    double squares = 0.0;
    for (std::size_t k = 0; k < row.size(); ++k) squares += (row[k] - x[k]) * (row[k] - x[k]);
    found.push_back({std::sqrt(squares), static_cast<std::uint32_t>(i)});
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Distances are sums of d squares in any order: d + 2 roundings, relative.
double rounding(std::size_t d, double distance) {
  return static_cast<double>(d + 2) * 0x1p-52 * distance;
}

TEST(NearestTwo, AgreesWithASortOverManyBlocks) {
  const Dataset training = random_data(200, 3, 1);
  const Dataset queries = random_data(2500, 3, 2);  // more than two blocks
  const NearestTwo found = nearest_two(training, queries, all_rows(queries), {});
  ASSERT_EQ(found.size(), 2500U);
  std::vector<double> x(3);
  for (std::size_t i = 0; i < found.size(); ++i) {
    queries.row(i, x);
    const auto expected = sorted_neighbours(training, x, training.size());
    EXPECT_EQ(found.index1[i], expected[0].row);
    EXPECT_EQ(found.index2[i], expected[1].row);
    EXPECT_NEAR(found.d1[i], expected[0].distance, rounding(3, found.d1[i]));
    EXPECT_NEAR(found.d2[i], expected[1].distance, rounding(3, found.d2[i]));
  }
}

TEST(NearestTwo, LeavesTheRowItselfOut) {
  // Rows on a coarse lattice, so most have exact duplicates: some many, so that a row is not among its own three
  // nearest.
  std::vector<float> values;
  const RandomStream stream(3, Purpose::kTest);
  for (std::size_t k = 0; k < 300; ++k) values.push_back(static_cast<float>(stream.below(k, 5)));
  const Dataset data = make_dataset("lattice", std::move(values), {2});
  const NearestTwo found = nearest_two_others(data, all_rows(data), {});
  std::vector<double> x(2);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.row(i, x);
    const auto expected = sorted_neighbours(data, x, i);
    EXPECT_EQ(found.index1[i], expected[0].row) << i;
    EXPECT_EQ(found.index2[i], expected[1].row) << i;
    EXPECT_EQ(found.d1[i], expected[0].distance) << i;
    EXPECT_EQ(found.d2[i], expected[1].distance) << i;
  }
}

TEST(NearestTwo, ASingleRowHasNoSecond) {
  const Dataset one = make_dataset<float>("one", {1, 2}, {2});
  const Rows queries(1, 2);
  const NearestTwo found = nearest_two(one, queries.view(), {});
  EXPECT_DOUBLE_EQ(found.d1[0], std::sqrt(5.0));
  EXPECT_EQ(found.d2[0], std::numeric_limits<double>::infinity());
  EXPECT_EQ(found.index2[0], kNoRow);
  EXPECT_EQ(found.ratios()[0], 0.0);
  EXPECT_THROW(nearest_two_others(one, all_rows(one), {}), Error);
  // Two rows: each has the other and no second.
  const Dataset two = make_dataset<float>("two", {0, 0, 3, 4}, {2});
  const NearestTwo others = nearest_two_others(two, all_rows(two), {});
  EXPECT_EQ(others.index1, (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(others.d1, (std::vector<double>{5, 5}));
  EXPECT_EQ(others.index2[0], kNoRow);
}

TEST(NearestTwo, NoQueriesNoAnswers) {
  EXPECT_EQ(nearest_two(random_data(5, 2, 1), Rows(0, 2).view(), {}).size(), 0U);
}

TEST(NearestTwo, RefusesOtherShapesAndNamesThem) {
  const Dataset images = make_dataset<std::uint8_t>("images", std::vector<std::uint8_t>(24), {3, 2, 2}, kImageUnits);
  const Dataset grey = make_dataset<std::uint8_t>("grey", std::vector<std::uint8_t>(12), {1, 3, 4}, kImageUnits);
  try {
    nearest_two(images, grey, all_rows(grey), {});
    FAIL() << "shapes differ";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("[3, 2, 2]"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("[1, 3, 4]"), std::string::npos) << error.what();
  }
  EXPECT_THROW(nearest_two(images, Rows(1, 5).view(), {}), Error);
}

TEST(NearestTwo, CanBeCancelled) {
  const std::atomic<bool> cancelled{true};
  Context context;
  context.cancelled = &cancelled;
  const Dataset data = random_data(10, 2, 1);
  EXPECT_THROW(nearest_two_others(data, all_rows(data), context), Cancelled);
}

}  // namespace
}  // namespace scorefield

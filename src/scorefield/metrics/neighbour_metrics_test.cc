// Neighbour metrics against their definitions, row by row.
#include "scorefield/metrics/neighbour_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

/// To the k-th nearest other row.
double naive_radius(const Rows& rows, std::size_t i, std::size_t k) {
  std::vector<double> distances;
  for (std::size_t j = 0; j < rows.rows(); ++j) {
    if (j != i) distances.push_back(row_distance(rows[i], rows[j]));
  }
  std::ranges::sort(distances);
  return distances[k - 1];
}

struct Naive {
  double precision = 0, recall = 0, density = 0, coverage = 0, accuracy = 0;
};

Naive naive_metrics(const Rows& x, const Rows& y, std::size_t k) {
  Naive result;
  const auto n = static_cast<double>(x.rows());
  const auto m = static_cast<double>(y.rows());
  const auto nearest_in = [](const Rows& rows, std::span<const double> of) {
    double nearest = INFINITY;
    for (std::size_t j = 0; j < rows.rows(); ++j) nearest = std::min(nearest, row_distance(of, rows[j]));
    return nearest;
  };
  const auto own = [](double mine, double other) { return mine < other ? 1.0 : mine == other ? 0.5 : 0.0; };
  std::vector<double> radius_x(x.rows());
  std::vector<double> radius_y(y.rows());
  for (std::size_t i = 0; i < x.rows(); ++i) radius_x[i] = naive_radius(x, i, k);
  for (std::size_t j = 0; j < y.rows(); ++j) radius_y[j] = naive_radius(y, j, k);
  for (std::size_t j = 0; j < y.rows(); ++j) {
    std::size_t balls = 0;
    for (std::size_t i = 0; i < x.rows(); ++i) balls += row_distance(x[i], y[j]) <= radius_x[i] ? 1 : 0;
    result.precision += balls > 0 ? 1 / m : 0;
    result.density += static_cast<double>(balls) / (m * static_cast<double>(k));
    result.accuracy += own(naive_radius(y, j, 1), nearest_in(x, y[j])) / (n + m);
  }
  for (std::size_t i = 0; i < x.rows(); ++i) {
    bool recalled = false;
    for (std::size_t j = 0; j < y.rows(); ++j) recalled = recalled || row_distance(x[i], y[j]) <= radius_y[j];
    result.recall += recalled ? 1 / n : 0;
    result.coverage += nearest_in(y, x[i]) <= radius_x[i] ? 1 / n : 0;
    result.accuracy += own(naive_radius(x, i, 1), nearest_in(y, x[i])) / (n + m);
  }
  return result;
}

NeighbourMetrics metrics(const Rows& x, const Rows& y, std::size_t k, const Context& context = {}) {
  return neighbour_metrics(x.view(), y.view(), k, 0, context);
}

void expect_as_defined(const Rows& x, const Rows& y, std::size_t k) {
  const NeighbourMetrics found = metrics(x, y, k);
  const Naive expected = naive_metrics(x, y, k);
  EXPECT_NEAR(found.precision.value, expected.precision, 1e-13);
  EXPECT_NEAR(found.recall.value, expected.recall, 1e-13);
  EXPECT_NEAR(found.density.value, expected.density, 1e-13);
  EXPECT_NEAR(found.coverage.value, expected.coverage, 1e-13);
  EXPECT_NEAR(found.nearest_accuracy.value, expected.accuracy, 1e-13);
}

TEST(NeighbourMetrics, AgreeWithTheirDefinitions) {
  for (const std::size_t k : {1, 3, 5}) {
    for (const std::size_t d : {1, 2, 10}) {
      SCOPED_TRACE(testing::Message() << "k " << k << " d " << d);
      expect_as_defined(normal_rows(130, d, 1), normal_rows(100, d, 2, 0.5, 0.8), k);
    }
  }
  expect_as_defined(normal_rows(14, 2, 3), normal_rows(15, 2, 4), 5);  // just enough of them
}

TEST(NeighbourMetrics, TiesAndDuplicatesAreThoseOfTheDefinitions) {
  // Points of a small lattice: equal rows and equal distances everywhere, within a set and across.
  const auto lattice = [](std::size_t n, std::uint64_t seed) {
    Rows rows(n, 2);
    for (std::size_t i = 0; i < 2 * n; ++i) {
      rows.data()[i] = static_cast<double>(RandomStream(seed, Purpose::kTest).below(i, 5));
    }
    return rows;
  };
  for (const std::size_t k : {1, 4}) expect_as_defined(lattice(60, 1), lattice(45, 2), k);
  expect_as_defined(Rows(30, 3), Rows(25, 3), 5);  // all rows equal
}

TEST(NeighbourMetrics, CopiesOfTheDataAreSeen) {
  const Rows rows = normal_rows(200, 4, 1);
  const NeighbourMetrics copies = metrics(rows, rows, 5);
  EXPECT_EQ(copies.precision.value, 1);
  EXPECT_EQ(copies.recall.value, 1);
  EXPECT_EQ(copies.coverage.value, 1);
  EXPECT_EQ(copies.nearest_accuracy.value, 0);
  const NeighbourMetrics apart = metrics(rows, normal_rows(200, 4, 2, 100), 5);
  EXPECT_EQ(apart.precision.value, 0);
  EXPECT_EQ(apart.coverage.value, 0);
  EXPECT_EQ(apart.nearest_accuracy.value, 1);
  EXPECT_EQ(apart.nearest_accuracy.standard_error, 0);
}

TEST(NeighbourMetrics, AreTheSameForEveryNumberOfThreads) {
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  const Rows x = normal_rows(700, 6, 1);
  const Rows y = normal_rows(600, 6, 2);
  const NeighbourMetrics one = metrics(x, y, 5);
  const NeighbourMetrics two = metrics(x, y, 5, context);
  EXPECT_EQ(one.density.value, two.density.value);
  EXPECT_EQ(one.density.standard_error, two.density.standard_error);
  EXPECT_EQ(one.nearest_accuracy.standard_error, two.nearest_accuracy.standard_error);
  EXPECT_EQ(one.recall.standard_error, two.recall.standard_error);
}

TEST(NeighbourMetrics, RefuseTooFewRows) {
  const auto refuses = [](std::size_t n, std::size_t m, std::size_t k) {
    EXPECT_THAT([&] { metrics(normal_rows(n, 2, 1), normal_rows(m, 2, 2), k); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("nearest neighbours")));
  };
  refuses(13, 50, 5);
  refuses(50, 13, 5);
  refuses(1, 1, 1);
  refuses(50, 50, 0);
  EXPECT_THROW(metrics(normal_rows(20, 2, 1), normal_rows(20, 3, 1), 2), Error);
}

}  // namespace
}  // namespace scorefield

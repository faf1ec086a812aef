// Every loop on every instruction set, for lengths around the vectors and the runs, against long double.
#include "scorefield/kernel/difference_loops.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <functional>
#include <vector>

#include "tests/posteriors.h"

namespace scorefield {
namespace {

using test::matrix;
using test::normals;

constexpr double kUnit = 0x1p-53;

void for_targets_and_lengths(const std::function<void(std::size_t d)>& check) {
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    SCOPED_TRACE(hwy::TargetName(left & -left));
    hwy::SetSupportedTargetsForTest(left & -left);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (const std::size_t d : {8, 16, 56, 64, 128, 136, 784, 4096}) check(d);
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

TEST(DifferenceLoops, SquaredDistances) {
  for_targets_and_lengths([](std::size_t d) {
    for (const auto& [states, rows] : {std::pair<std::size_t, std::size_t>{1, 1}, {2, 4}, {5, 7}}) {
      const std::vector<double> x = normals(states * d, 1), y = normals(rows * d, 2);
      std::vector<long double> squares(states * rows + 1, -1);
      squared_distances(matrix(x, d), matrix(y, d), squares);
      for (std::size_t j = 0; j < rows; ++j) {
        for (std::size_t i = 0; i < states; ++i) {
          long double square = 0;
          for (std::size_t k = 0; k < d; ++k)
            square += std::pow(static_cast<long double>(x[i * d + k]) - y[j * d + k], 2);
          // 19 u is the bound. Roundings that do not conspire leave 4 u / sqrt(d) as a standard error: five of them.
          const double relative = static_cast<double>(squares[j * states + i] / square - 1);
          EXPECT_LE(std::abs(relative), std::min(19.0, 20 / std::sqrt(static_cast<double>(d))) * kUnit) << d;
        }
      }
      EXPECT_EQ(squares.back(), -1);
    }
  });
}

TEST(DifferenceLoops, SumsOfRows) {
  for_targets_and_lengths([](std::size_t d) {
    const std::vector<double> y = normals(9 * d, 1), weights = normals(7, 2), start = normals(d, 3);
    const std::vector<std::size_t> rows{0, 2, 3, 4, 5, 7, 8};
    std::vector<double> sum = start;
    add_weighted_rows(matrix(y, d), rows, weights, sum);
    std::vector<double> folded = sum;
    fold_scaled(folded, 0.3, start, -2);
    std::vector<double> moved = sum;
    add_scaled_difference(0.7, {y.data(), d}, start, moved);
    for (std::size_t k = 0; k < d; ++k) {
      long double expected = start[k], magnitude = std::abs(start[k]);
      for (std::size_t j = 0; j < rows.size(); ++j) {
        expected += static_cast<long double>(weights[j]) * y[rows[j] * d + k];
        magnitude += std::abs(static_cast<long double>(weights[j]) * y[rows[j] * d + k]);
      }
      // Seven products and sums, each rounded by at most u of the magnitude.
      EXPECT_NEAR(sum[k], static_cast<double>(expected), 14 * kUnit * static_cast<double>(magnitude));
      EXPECT_NEAR(folded[k], 0.3 * sum[k] - 2 * start[k], 6 * kUnit * (std::abs(sum[k]) + 2 * std::abs(start[k])));
      EXPECT_NEAR(moved[k], sum[k] + 0.7 * (y[k] - start[k]),
                  6 * kUnit * (std::abs(sum[k]) + std::abs(y[k]) + std::abs(start[k])));
    }
  });
}

TEST(DifferenceLoops, SquareAndDotOfADifference) {
  for_targets_and_lengths([](std::size_t d) {
    const std::vector<double> y = normals(d, 1), centre = normals(d, 2), v = normals(d, 3);
    const DifferenceTerms terms = difference_terms(y, centre, v);
    long double square = 0, dot = 0, magnitude = 0;
    for (std::size_t k = 0; k < d; ++k) {
      const long double difference = static_cast<long double>(y[k]) - centre[k];
      square += difference * difference;
      dot += difference * v[k];
      magnitude += std::abs(difference * v[k]);
    }
    // At least two lanes: chains of d / 2 terms.
    const double bound = (static_cast<double>(d) / 2 + 10) * kUnit;
    EXPECT_NEAR(terms.square, static_cast<double>(square), bound * static_cast<double>(square));
    EXPECT_NEAR(terms.dot, static_cast<double>(dot), bound * static_cast<double>(magnitude));
  });
}

}  // namespace
}  // namespace scorefield

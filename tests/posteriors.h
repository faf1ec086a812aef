// What the tests of exact posteriors share: the comparison with the 50-digit values, and that of two answers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/base/rows.h"
#include "scorefield/field/field.h"
#include "scorefield/kernel/answer.h"
#include "tests/points8.h"

namespace scorefield::test {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline RowsView<const double> matrix(const std::vector<double>& values, std::size_t cols) {
  return {values.data(), values.size() / cols, cols};
}

inline std::vector<double> normals(std::size_t count, std::uint64_t seed) {
  std::vector<double> values(count);
  RandomStream(seed, Purpose::kTest).normals(values);
  return values;
}

/// All but top_k and directions.
inline Request everything() {
  Request request;
  request.log_density = request.posterior = request.covariance_trace = true;
  return request;
}

inline const RowsView<const double> kRows8(kPoints8.data(), 8, 2);

using Ask = std::function<Answer(RowsView<const double> x, std::span<const double> sigma, const Request& request)>;

/// Holds a field over the eight points to 1e-12: relative for D, score and log p, absolute for entropy and covariance.
inline void expect_truth(const PosteriorTruth& truth, const Ask& ask) {
  SCOPED_TRACE(testing::Message() << "x = (" << truth.x[0] << ", " << truth.x[1] << "), sigma = " << truth.sigma);
  const std::vector<double> x{truth.x[0], truth.x[1], truth.x[0], truth.x[1]};
  const std::vector<double> directions{1, 0, 0, 1};
  Request request = everything();
  request.directions = matrix(directions, 2);
  const std::vector<double> sigma{truth.sigma};
  const Answer answer = ask(matrix(x, 2), sigma, request);
  Rows score(2, 2);
  score_from_denoised(matrix(x, 2), answer.denoised.view(), sigma, score.view());
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_NEAR(answer.denoised(0, k), truth.denoised[k], 1e-12 * std::abs(truth.denoised[k]));
    EXPECT_NEAR(score(0, k), truth.score[k], 1e-12 * std::abs(truth.score[k]));
    EXPECT_EQ(score(1, k), score(0, k));
  }
  EXPECT_NEAR(answer.log_density[0], truth.log_density, 1e-12 * std::abs(truth.log_density));
  EXPECT_NEAR(answer.entropy[0], truth.entropy, 1e-12);
  EXPECT_NEAR(answer.covariance_product(0, 0), truth.covariance[0], 1e-12);
  EXPECT_NEAR(answer.covariance_product(0, 1), truth.covariance[1], 1e-12);
  EXPECT_NEAR(answer.covariance_product(1, 0), truth.covariance[1], 1e-12);
  EXPECT_NEAR(answer.covariance_product(1, 1), truth.covariance[2], 1e-12);
  EXPECT_NEAR(answer.covariance_trace[0], truth.covariance[0] + truth.covariance[2], 1e-12);
}

/// Holds `answer` to `truth` at 1e-12: relative for log p and effective sample size, absolute for weights and entropy;
/// D in units of its component, or of 2 % of `scale` where components cancel (`scale` bounds a row's values);
/// covariances in units of radius^2, a bound on squared distances from the mean.
inline void expect_close(const Answer& answer, const Answer& truth, double scale, double radius) {
  const auto expect_rows = [](const Rows& a, const Rows& b, double floor) {
    ASSERT_EQ(a.rows(), b.rows());
    for (std::size_t i = 0; i < a.values().size(); ++i) {
      EXPECT_NEAR(a.values()[i], b.values()[i], 1e-12 * std::max(std::abs(b.values()[i]), floor)) << "value " << i;
    }
  };
  const auto expect_values = [](const std::vector<double>& a, const std::vector<double>& b, double unit,
                                bool relative) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(a[i], b[i], 1e-12 * (relative ? std::abs(b[i]) : unit)) << "value " << i;
    }
  };
  expect_rows(answer.denoised, truth.denoised, 0.02 * scale);
  expect_values(answer.log_density, truth.log_density, 0, true);
  expect_values(answer.entropy, truth.entropy, 1, false);
  expect_values(answer.effective_sample_size, truth.effective_sample_size, 0, true);
  expect_values(answer.largest_weight, truth.largest_weight, 1, false);
  expect_values(answer.covariance_trace, truth.covariance_trace, radius * radius, false);
  expect_rows(answer.covariance_product, truth.covariance_product, radius * radius);
  EXPECT_EQ(answer.top_rows, truth.top_rows);
  expect_values(answer.top_weights, truth.top_weights, 1, false);
}

/// Holds every part to the same bits.
inline void expect_same_bits(const Answer& a, const Answer& b) {
  EXPECT_TRUE(std::ranges::equal(a.denoised.values(), b.denoised.values()));
  EXPECT_EQ(a.log_density, b.log_density);
  EXPECT_EQ(a.entropy, b.entropy);
  EXPECT_EQ(a.effective_sample_size, b.effective_sample_size);
  EXPECT_EQ(a.largest_weight, b.largest_weight);
  EXPECT_EQ(a.covariance_trace, b.covariance_trace);
  EXPECT_TRUE(std::ranges::equal(a.covariance_product.values(), b.covariance_product.values()));
  EXPECT_EQ(a.top_rows, b.top_rows);
  EXPECT_EQ(a.top_weights, b.top_weights);
}

}  // namespace scorefield::test

#include "scorefield/metrics/spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scorefield/base/random.h"

namespace scorefield {
namespace {

TEST(Spectrum, OfACrossIsKnown) {
  // Points at +-a_k on axis k, about an offset: variances a_k^2 / 3.
  const std::vector<double> lengths = {3, 1, 2};
  std::vector<double> values;
  for (std::size_t k = 0; k < 3; ++k) {
    for (const double sign : {-1.0, 1.0}) {
      for (std::size_t c = 0; c < 3; ++c) values.push_back(100 + (c == k ? sign * lengths[k] : 0.0));
    }
  }
  const Dataset data = make_dataset("cross", std::move(values), {3});
  const Spectrum found = spectrum(data, 0, {});
  EXPECT_EQ(found.rows, 6U);
  EXPECT_NEAR(found.total_variance, 14.0 / 3, 1e-12);
  EXPECT_NEAR(found.variances[0], 3.0, 1e-12);
  EXPECT_NEAR(found.variances[1], 4.0 / 3, 1e-12);
  EXPECT_NEAR(found.variances[2], 1.0 / 3, 1e-12);
  EXPECT_EQ(components_for(found, 0.5), 1U);  // 9/14 = 0.64
  EXPECT_EQ(components_for(found, 0.9), 2U);  // 13/14 = 0.93
  EXPECT_EQ(components_for(found, 0.95), 3U);
  EXPECT_EQ(components_for(found, 1.0), 3U);
  const std::vector<std::size_t> rows = {0, 1, 4};
  const Rows scores = leading_scores(found, data, rows);
  ASSERT_EQ(scores.cols(), 2U);
  EXPECT_NEAR(std::abs(scores(0, 0)), 3.0, 1e-12);
  EXPECT_NEAR(scores(0, 0) + scores(1, 0), 0.0, 1e-12);
  EXPECT_NEAR(std::abs(scores(2, 1)), 2.0, 1e-12);
  EXPECT_NEAR(scores(2, 0), 0.0, 1e-12);
}

TEST(Spectrum, OfAConstantHasNoComponents) {
  const Spectrum found = spectrum(make_dataset<float>("constant", std::vector<float>(12, 3), {4}), 0, {});
  EXPECT_NEAR(found.total_variance, 0.0, 1e-30);
  EXPECT_EQ(components_for(found, 0.99), 0U);
  EXPECT_EQ(spectrum(make_dataset<float>("one", {1, 2, 3}, {3}), 0, {}).leading.rows(), 1U);
}

TEST(Spectrum, TakesFewerRowsWhereAllWouldCostTooMuch) {
  std::vector<float> values(100 * 50);
  const RandomStream stream(1, Purpose::kTest);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(stream.uniform(k));
  const Dataset data = make_dataset("uniform", std::move(values), {50});
  EXPECT_EQ(spectrum(data, 0, {}).rows, 100U);
  // Where n <= d the cost is n^2 d / 2 + 10 n^3.
  const Spectrum part = spectrum(data, 0, {}, 5e5);
  EXPECT_LT(part.rows, 50U);
  const auto n = static_cast<double>(part.rows);
  EXPECT_LE(25 * n * n + 10 * n * n * n, 5e5);
  EXPECT_GT(25 * (n + 1) * (n + 1) + 10 * (n + 1) * (n + 1) * (n + 1), 5e5);
  EXPECT_EQ(part.variances.size(), part.rows);
  EXPECT_NEAR(part.total_variance, 50.0 / 12, 1.0);
}

}  // namespace
}  // namespace scorefield

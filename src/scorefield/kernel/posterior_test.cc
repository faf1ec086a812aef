#include "scorefield/kernel/posterior.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

TEST(PosteriorKernel, KnowsWeightedMeanAndVarianceFarOffCentre) {
  // 1e9 + {0, 1, 2} with weights 1/4, 1/2, 1/4: mean 1e9 + 1, variance 1/2, both exact.
  const std::vector<double> rows = {1e9, 1e9 + 1, 1e9 + 2};
  const std::vector<double> log_weights = {0.0, std::log(2.0), 0.0};
  const PosteriorKernel kernel(RowsView<const double>(rows.data(), 3, 1), {}, log_weights, {});
  EXPECT_NEAR(kernel.mean()[0], 1e9 + 1, 1e-6);
  EXPECT_NEAR(kernel.variance(), 0.5, 1e-12);
}

TEST(PosteriorKernel, RefusesBadWeightsAndRows) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const std::vector<double> rows = {0, 1};
  const RowsView<const double> view(rows.data(), 2, 1);
  const auto make = [&](std::vector<double> weights) { PosteriorKernel(view, {}, weights, {}); };
  EXPECT_THROW(make({0.0}), Error);
  EXPECT_THROW(make({0.0, std::nan("")}), Error);
  EXPECT_THROW(make({0.0, kInf}), Error);
  EXPECT_THROW(make({-kInf, -kInf}), Error);
  EXPECT_NO_THROW(make({0.0, -kInf}));
  EXPECT_THROW(PosteriorKernel(RowsView<const double>(rows.data(), 0, 1), {}, {}, {}), Error);
  const std::vector<float> broken = {0.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(PosteriorKernel(RowsView<const float>(broken.data(), 2, 1), {}, {}, {}), Error);
}

}  // namespace
}  // namespace scorefield

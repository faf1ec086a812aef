#include "scorefield/metrics/tilted_density.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

double normal_cdf(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

GaussianComponent blob(double weight, double x, double y, double variance_x, double variance_y, int label) {
  return {
      .weight = weight, .mean = {x, y}, .covariance = Covariance::diagonal({variance_x, variance_y}), .label = label};
}

TEST(PlaneGrid, HasCellsInRows) {
  const PlaneGrid grid{.x_low = -1, .x_high = 1, .y_low = 0, .y_high = 4, .side = 4};
  EXPECT_EQ(grid.cell_of(-1, 0), 0u);
  EXPECT_EQ(grid.cell_of(0.9, 0.1), 3u);
  EXPECT_EQ(grid.cell_of(-0.9, 3.9), 12u);
  EXPECT_EQ(grid.cell_of(1, 0), 16u);
  EXPECT_EQ(grid.cell_of(0, -0.1), 16u);
  EXPECT_EQ(grid.cell_of(0, 1e300), 16u);
}

TEST(TiltedDensity, AtZeroIsTheLawAndAtOneTheClass) {
  const GaussianMixture law({blob(0.75, 0, 0, 1, 0.25, 0), blob(0.25, 2, 1, 0.16, 1, 1)});
  const ExactClassLikelihood classes(law, law.class_probabilities());
  const PlaneGrid grid = grid_of(law, 30);
  EXPECT_NEAR(grid.x_low, -4, 1e-12);
  EXPECT_NEAR(grid.x_high, 4, 1e-12);  // of the first: 4 deviations of 1; the second reaches 2 + 1.6
  EXPECT_NEAR(grid.y_high, 5, 1e-12);
  const TiltedDensity tilted(law, classes, 1, grid, 16, {});
  const std::vector<double> all = tilted.masses(0);
  const std::vector<double> own = tilted.masses(1);
  const double width = (grid.x_high - grid.x_low) / 30;
  const double height = (grid.y_high - grid.y_low) / 30;
  const auto of = [&](const GaussianComponent& c, double x, double y) {
    const double sx = std::sqrt(c.covariance.quadratic([](double v) { return v; }, std::vector<double>{1, 0}));
    const double sy = std::sqrt(c.covariance.quadratic([](double v) { return v; }, std::vector<double>{0, 1}));
    return (normal_cdf((x + width - c.mean[0]) / sx) - normal_cdf((x - c.mean[0]) / sx)) *
           (normal_cdf((y + height - c.mean[1]) / sy) - normal_cdf((y - c.mean[1]) / sy));
  };
  for (std::size_t i = 0; i < 30; ++i) {
    for (std::size_t j = 0; j < 30; ++j) {
      const double x = grid.x_low + width * static_cast<double>(j);
      const double y = grid.y_low + height * static_cast<double>(i);
      const double first = of(law.components()[0], x, y);
      const double second = of(law.components()[1], x, y);
      // The midpoint rule: h^2/24 times the second derivatives, 1/0.16 of the density, h = 0.27/16, so 1e-4 of a mass
      // of at most 0.03; and what the grid leaves out, 3e-4 of all (the ends are 4 deviations away).
      EXPECT_NEAR(all[i * 30 + j], 0.75 * first + 0.25 * second, 2e-5);
      EXPECT_NEAR(own[i * 30 + j], second, 2e-5);
    }
  }
}

TEST(TiltedDensity, OfTwoEqualGaussiansHasItsClosedForm) {
  // Classes N(+-1, 1) along x: p(y | x) = 1/(1 + exp(-2 x)), so the odds of +x to -x at g are exp(2 g x).
  const GaussianMixture law({blob(1, -1, 0, 1, 1, 0), blob(1, 1, 0, 1, 1, 1)});
  const ExactClassLikelihood classes(law, law.class_probabilities());
  const PlaneGrid grid{.x_low = -6, .x_high = 6, .y_low = -5, .y_high = 5, .side = 12};
  const TiltedDensity tilted(law, classes, 1, grid, 20, {});
  for (const double g : {0.5, 2.0, 5.0}) {
    const std::vector<double> masses = tilted.masses(g);
    EXPECT_NEAR(std::accumulate(masses.begin(), masses.end(), 0.0), 1, 1e-13);
    for (std::size_t j = 6; j < 12; ++j) {
      // p(x) is even, so the ratio of a cell to its mirror image is a mean of exp(2 g x) over the cell, within its
      // ends.
      const double ratio = masses[6 * 12 + j] / masses[6 * 12 + 11 - j];
      const double left = static_cast<double>(j) - 6;
      EXPECT_GT(std::log(ratio), 2 * g * left) << g;
      EXPECT_LT(std::log(ratio), 2 * g * (left + 1)) << g;
    }
  }
  EXPECT_THAT([&] { (void)tilted.masses(-1); }, ThrowsMessage<Error>(HasSubstr("from 0 on")));
}

TEST(TotalVariation, OfSamplesInCells) {
  const PlaneGrid grid{.x_low = 0, .x_high = 2, .y_low = 0, .y_high = 2, .side = 2};
  const std::vector<double> masses = {0.5, 0.5, 0, 0};
  Rows x(4, 2);  // two in cell 0, one in cell 3, one outside
  x(0, 0) = 0.5;
  x(2, 0) = x(2, 1) = 1.5;
  x(3, 0) = 7;
  const Estimate distance = total_variation(grid, masses, x.view());
  // 1/2 (|1/2 - 1/2| + |0 - 1/2| + 0 + 1/4 + 1/4); s: -1 twice (as many as expected are not too many), +1 twice.
  EXPECT_DOUBLE_EQ(distance.value, 0.5);
  EXPECT_DOUBLE_EQ(distance.standard_error, std::sqrt(1.0 / 16));
}

TEST(TotalVariation, OfExactSamplesIsWhatTheBinomialSays) {
  // Two cells: TV = |k/n - q|, whose mean is sqrt(2 q (1 - q) / (pi n)), de Moivre's, with a relative correction of
  // order 1/n; its square has the mean q (1 - q)/n.
  const std::vector<double> masses = {0.3, 0.7};
  const std::size_t n = 2000;
  const std::size_t repeats = 400;
  const SampleVariation exact = exact_sample_variation(masses, n, repeats, 7);
  const double variance = 0.21 / static_cast<double>(n);
  const double mean = std::sqrt(2 * variance / 3.14159265358979323846);
  const double deviation = std::sqrt(variance - mean * mean);
  EXPECT_NEAR(exact.mean, mean, 4 * deviation / std::sqrt(static_cast<double>(repeats)));
  // A standard deviation of 400 draws is good to about 1/sqrt(800) of itself; half-normal tails add some.
  EXPECT_NEAR(exact.deviation, deviation, 0.2 * deviation);
}

TEST(PlaneGrid, RefusesWhatHasNoDensity) {
  const GaussianMixture line({blob(1, 0, 0, 1, 0, 0)});
  EXPECT_THAT([&] { grid_of(line, 4); }, ThrowsMessage<Error>(HasSubstr("no density")));
  std::vector<GaussianComponent> one(1);
  one[0].mean = {0, 0, 0};
  one[0].covariance = Covariance::isotropic(3, 1);
  EXPECT_THAT([&] { grid_of(GaussianMixture(one), 4); }, ThrowsMessage<Error>(HasSubstr("3 dimensions")));
}

}  // namespace
}  // namespace scorefield

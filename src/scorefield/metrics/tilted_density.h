// The density p(x) p(y | x)^g of the plane on a grid, and how far samples are from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/field/class_likelihood.h"
#include "scorefield/field/field.h"
#include "scorefield/field/mixture.h"
#include "scorefield/metrics/estimate.h"

namespace scorefield {

/// A rectangle in cells, side x side of them; cell (i, j), from low to high y and x, has the number i * side + j.
struct PlaneGrid {
  double x_low = 0, x_high = 1;
  double y_low = 0, y_high = 1;
  std::size_t side = 40;

  std::size_t cells() const { return side * side; }
  /// Where a point lies; cells() when it is outside.
  std::size_t cell_of(double x, double y) const;
};

/// Four standard deviations about every component. Throws Error for a law that is not of the plane, or with a component
/// that has no density there.
PlaneGrid grid_of(const GaussianMixture& law, std::size_t side);

/// p(x) p(label | x)^g up to its integral, for any g from 0 on: g = 0 is the law, 1 its class.
class TiltedDensity {
 public:
  /// likelihood: of the law's own classes. Evaluates both at `points` x `points` points of each cell (the midpoint
  /// rule).
  TiltedDensity(const GaussianMixture& law, const ClassLikelihood& likelihood, int label, const PlaneGrid& grid,
                std::size_t points, const Context& context);

  const PlaneGrid& grid() const { return grid_; }
  /// [cells], the probability of each cell; they sum to 1: what lies outside of the grid is left out. scale >= 0.
  std::vector<double> masses(double scale) const;

 private:
  PlaneGrid grid_;
  std::size_t points_;
  std::vector<double> log_density_;      // [cells, points^2]
  std::vector<double> log_probability_;  // the same, of the label
};

/// Total variation between the cells of samples and cell probabilities, 1/2 sum_c |n_c / n - masses[c]|. Its error by
/// the delta method: sqrt(Var s / (4 n)), s = +1 for a sample in a cell that has too many, -1 in others. A finite
/// number of samples puts it above 0 also for samples of the very law: see exact_sample_variation(). x: [n, 2]. Samples
/// outside of the grid are in a cell of probability 0.
Estimate total_variation(const PlaneGrid& grid, std::span<const double> masses, RowsView<const double> x);

/// What `count` exact samples show: mean over `repeats` draws, and the standard deviation of one.
struct SampleVariation {
  double mean = 0;
  double deviation = 0;
};
SampleVariation exact_sample_variation(std::span<const double> masses, std::size_t count, std::size_t repeats,
                                       std::uint64_t seed);

}  // namespace scorefield

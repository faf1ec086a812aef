// How far a set of samples is from a data set as a distribution: the sliced Wasserstein distance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/data/dataset.h"
#include "scorefield/metrics/grouped_rows.h"

namespace scorefield {

/// W_2^2 of two sets of numbers, each with equal weights, in the square of their units: the integral of the squared
/// difference of their quantile functions, exact also for sets of different sizes. Both ascending and not empty.
double squared_wasserstein(std::span<const double> sorted_a, std::span<const double> sorted_b);

struct SlicedOptions {
  std::size_t projections = 256;
  std::size_t rows = 10000;  // of the data set, drawn at random; fewer where it has fewer
  std::uint64_t seed = 0;    // of the directions and of the rows
};

/// SW_2 = sqrt(E_theta W_2^2(theta . x, theta . y)), theta uniform on the unit sphere (Bonneel et al. 2015): the
/// directions and the projected rows are prepared once, so all sets of samples are held against the same. A few samples
/// are at a distance from the data even where they have its law: hold the value against that of data rows.
class SlicedWasserstein {
 public:
  /// Throws Error for no projections or rows, or memory over the limit.
  SlicedWasserstein(const Dataset& data, const SlicedOptions& options, const Context& context);

  std::size_t projections() const { return directions_.rows(); }
  std::size_t rows() const { return projected_.cols(); }

  /// Data units. Its error is that of the directions drawn; it says nothing about the finite number of samples.
  /// samples: [B, d], data units. Throws Error when there are none or d differs.
  Estimate distance(RowsView<const double> samples, const Context& context) const;

 private:
  Rows directions_;  // [P, d]
  Rows projected_;   // [P, M], each row ascending
};

/// SW_2 between two sets of drawn rows, along `projections` directions drawn by `seed`. The standard error holds both
/// the drawing of the rows (jackknife) and that of the directions. Throws Error for no projections or differing
/// lengths.
Estimate sliced_wasserstein(const GroupedRows& a, const GroupedRows& b, std::size_t projections, std::uint64_t seed,
                            const Context& context);

}  // namespace scorefield

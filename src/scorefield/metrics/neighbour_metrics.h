// Fidelity and diversity from nearest neighbours: precision and recall, density and coverage, and the one-nearest-
// neighbour two-sample test.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/metrics/grouped_rows.h"

namespace scorefield {

/// The ball of a row reaches to its k-th nearest other row in its own set; its edge belongs to it.
struct NeighbourMetrics {
  /// Share of the samples in the ball of some data row; share of the data rows in the ball of some sample (Kynkaanniemi
  /// et al. 2019, eq. 1, 2).
  Estimate precision, recall;
  /// Balls of data rows that a sample lies in, on average, over k; share of the data rows with a sample in their ball
  /// (Naeem et al. 2020, eq. 3, 4).
  Estimate density, coverage;
  /// Share of all rows, of both sets, whose nearest other row is of their own set, ties counting half (Lopez-Paz &
  /// Oquab 2017, leave-one-out): 1/2 for sets of one law and equally many rows, near 0 where samples are copies of data
  /// rows.
  Estimate nearest_accuracy;
};

/// The fewest rows a side for k neighbours and their errors.
constexpr std::size_t least_rows(std::size_t k) {
  return 2 * (k + 2);
}

/// data: [N, p], samples: [M, p], finite. Standard errors come from 40 random parts of both sets, a quarter of the rows
/// each (half of them where a quarter is less than 5 k), drawn by `seed` (docs/theory/metrics.md). The same for every
/// number of threads. Throws Error for k = 0, fewer than least_rows(k) rows, or differing lengths.
NeighbourMetrics neighbour_metrics(RowsView<const double> data, RowsView<const double> samples, std::size_t k,
                                   std::uint64_t seed, const Context& context);

}  // namespace scorefield

// Fidelity and diversity from nearest neighbours: precision and recall, density and coverage, and the one-nearest-
// neighbour two-sample test.
#pragma once

#include <cstddef>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/metrics/grouped_rows.h"

namespace scorefield {

/// For every row of a set how far its other rows are, with all of them and without each group.
class NeighbourRadii {
 public:
  /// Throws Error unless k >= 1 and, whichever group is left out, every row has k others.
  NeighbourRadii(const GroupedRows& set, std::size_t k, const Context& context);

  std::size_t k() const { return k_; }
  /// To the k-th nearest other row that is not in group `without` (kNoGroup: of all).
  double radius(std::size_t row, std::size_t without) const { return radius_(row, column(without)); }
  double nearest(std::size_t row, std::size_t without) const { return nearest_(row, column(without)); }
  /// The largest of the radii of a row: [N].
  const std::vector<double>& largest() const { return largest_; }

 private:
  std::size_t column(std::size_t without) const { return without == kNoGroup ? radius_.cols() - 1 : without; }

  std::size_t k_;
  Rows radius_;   // [N, G + 1]
  Rows nearest_;  // [N, G + 1]
  std::vector<double> largest_;
};

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

/// The radii are those of the sets. Throws Error when the lengths of rows differ.
NeighbourMetrics neighbour_metrics(const GroupedRows& data, const NeighbourRadii& data_radii,
                                   const GroupedRows& samples, const NeighbourRadii& sample_radii,
                                   const Context& context);

}  // namespace scorefield

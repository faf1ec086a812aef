// All that `scorefield describe` finds out about a data set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/metrics/duplicates.h"
#include "scorefield/metrics/intervals.h"
#include "scorefield/metrics/memorisation.h"
#include "scorefield/metrics/neighbours.h"
#include "scorefield/metrics/spectrum.h"
#include "scorefield/metrics/value_statistics.h"

namespace scorefield {

/// "uint8", "float32" or "float64": as the rows are stored.
std::string scalar_name(const Dataset& data);
/// Of the rows as they are stored.
std::size_t stored_bytes(const Dataset& data);

struct DescribeOptions {
  /// Rows of each nearest-row search, drawn at random where there are more. Unset: as many as 5e11 multiply-adds pay
  /// for, at least 100, so that the answer does not depend on the machine (10212 rows against Fashion-MNIST).
  std::optional<std::size_t> rows;
  std::uint64_t seed = 0;
};

struct LabelCount {
  std::int32_t label = 0;
  std::string name;  // empty where labels have no names
  std::size_t count = 0;
};

/// How one quantity is spread over the population that its values were drawn from.
struct Spread {
  Estimate mean;
  double low = 0.0;                 // of the values seen
  double high = 0.0;                // of the values seen
  std::vector<Quantile> quantiles;  // 1, 5, 25, 50, 75, 95, 99 %
};

/// values: at least one.
Spread spread_of_sample(std::vector<double> values, std::size_t population);

/// Rows held against the training set: those of the held-out set, or the training rows, each against all others.
struct NeighbourStatistics {
  std::size_t population = 0;
  std::vector<std::size_t> rows;  // asked, ascending; all of the population where it could be paid for
  NearestTwo nearest;             // of these
  Spread d1;                      // data units
  std::optional<Spread> d2;       // data units; none where there is no second row
  std::optional<Spread> ratio;    // d1 / d2
  Proportion equal;               // d1 = 0
  Proportion below_third;         // d1 / d2 < 1/3
  Proportion called_copies;       // by the rule: its false-positive rate, real near-duplicates included
};

struct DataDescription {
  ValueStatistics values;
  std::vector<LabelCount> labels;  // ascending, those that occur
  /// Groups of equal rows, and in how many of them labels differ.
  std::vector<std::vector<std::uint32_t>> exact_duplicates;
  std::size_t conflicting_duplicates = 0;
  CopyRule rule;
  std::optional<NeighbourStatistics> within;  // leave-one-out; none for a single row
  /// Of the pairs that `within` saw: those at 0 < distance <= the rule's threshold, and, near or not, the closest ten.
  std::vector<RowPair> near_duplicates;
  std::vector<RowPair> closest_pairs;
  std::optional<NeighbourStatistics> held_out;
  Spectrum spectrum;
};

/// Positions in `statistics.rows` of the rows with the smallest d1, at most `count`, nearest first.
std::vector<std::size_t> closest_rows(const NeighbourStatistics& statistics, std::size_t count);

/// held_out may be null. Throws Error when its rows have another shape.
DataDescription describe(const Dataset& data, const Dataset* held_out, const DescribeOptions& options,
                         const Context& context);

}  // namespace scorefield

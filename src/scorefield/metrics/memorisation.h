// Which samples are copies of training rows, by which rule, and how often that rule accuses the innocent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/metrics/intervals.h"
#include "scorefield/metrics/neighbours.h"

namespace scorefield {

/// A sample at distances d1 <= d2 from its two nearest training rows is a copy of the nearest when
///   d1 <= threshold  and  (d1 <= ratio d2  or  d2 <= threshold).
/// The ratio is the field's rule (1/3: Yoon et al. 2023, Gu et al. 2023), and follows the local density. Alone it is
/// not enough: of Fashion-MNIST's 10000 test images four fall below 1/3, at d1 = 0.16, 1.4, 1.8 and 2.2, where the
/// median neighbour is at 6.9: only the first (d1/d2 = 0.027) is all but equal to a training row; in two dimensions a
/// ninth of all fresh points do. So the distance itself must be small too. And it fails where the training set has
/// near-duplicates: a copy of one of a pair has d1 ~ d2. So a sample within the threshold of two rows is a copy of that
/// pair, whatever the ratio. With one row d2 = inf and the threshold decides.
struct CopyRule {
  double ratio = 1.0 / 3.0;
  double threshold = 0.0;        // data units
  double median_distance = 0.0;  // what the threshold came from: between nearest distinct rows; 0 where there are none

  bool is_copy(double d1, double d2) const { return d1 <= threshold && (d1 <= ratio * d2 || d2 <= threshold); }
};

/// The rule in words, with its numbers: "as near" is within the threshold too.
std::string rule_text(const CopyRule& rule);

/// The rule at the scale of a data set: threshold = a tenth of the median distance from a row to its nearest other row
/// at a positive distance (leave-one-out, over at most 1000 rows drawn by `seed`), so it depends on neither units nor
/// dimension, and exact duplicates do not shrink it. Of fresh points with a smooth density in d dimensions it accuses
/// about ln(2)/10^d. It is at least the storage resolution: half a step a coordinate for 8-bit rows, the rounding of
/// float32 or float64 for others, so a sample that is stored as the row itself is a copy even when there is one row, or
/// all are equal.
CopyRule fit_copy_rule(const Dataset& training, std::uint64_t seed, const Context& context);

/// How many samples copied one training row.
struct RowCount {
  std::uint32_t row = 0;
  std::size_t count = 0;
  bool operator==(const RowCount&) const = default;
};

struct Copies {
  std::vector<bool> is_copy;   // one a sample
  Proportion share;            // of the samples, with its 95 % interval
  std::vector<RowCount> rows;  // the training rows that were copied, most often first, ties: the lower row first
  double rms_distance = 0.0;   // of the copies from their rows, data units; 0 without copies
};

/// Throws Error when there are no samples.
Copies find_copies(const CopyRule& rule, const NearestTwo& nearest);

/// How often the rule calls a real row a copy that no model has made: on at most `rows` rows of `held_out`, or, when it
/// is null, of the training set itself, each against all others. Near-duplicates that the data really has count too.
/// With its exact 95 % interval. With one training row and nothing held out it is not measurable: total 0, value NaN
/// and the interval [0, 1]. Throws Error when shapes differ.
Proportion false_positive_rate(const CopyRule& rule, const Dataset& training, const Dataset* held_out, std::size_t rows,
                               std::uint64_t seed, const Context& context);

}  // namespace scorefield

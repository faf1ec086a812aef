// The two nearest training rows of samples, of held-out rows, and of the training rows themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

inline constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

/// For every query the nearest and the second nearest row, [B] each: Euclidean distances in data units, d1 <= d2.
/// Where there is no second row d2 = inf and index2 = kNoRow.
struct NearestTwo {
  std::vector<double> d1, d2;
  std::vector<std::uint32_t> index1, index2;

  std::size_t size() const { return d1.size(); }
  /// d1 / d2 in [0, 1]; 0 / 0 counts as 0 (the query is an exact duplicate of two rows), and so does d2 = inf.
  std::vector<double> ratios() const;
};

/// Throws Error, with both shapes, unless the rows of both have one shape.
void check_same_shape(const Dataset& training, const Dataset& queries);

/// queries: [B, d], data units. Works in blocks: scratch does not grow with B.
/// Throws Error when the row lengths differ.
NearestTwo nearest_two(const Dataset& training, RowsView<const double> queries, const Context& context);

/// The chosen rows of `queries` (each below its size). Throws Error as check_same_shape() does.
NearestTwo nearest_two(const Dataset& training, const Dataset& queries, std::span<const std::size_t> rows,
                       const Context& context);

/// Leave-one-out: the chosen rows of `training` against all its other rows. A duplicate of a row is another row.
/// Throws Error when there is only one row.
NearestTwo nearest_two_others(const Dataset& training, std::span<const std::size_t> rows, const Context& context);

}  // namespace scorefield

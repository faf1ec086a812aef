// Weighted mean and variance of stored rows, and the check that every value is finite.
#pragma once

#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/stored_rows.h"

namespace scorefield {

struct RowMoments {
  std::vector<double> mean;  // [d], stored units
  double variance = 0;       // weighted mean of |y - mean|^2, stored units squared
};

/// weights: one a row, not negative, sum 1; empty: equal. Exact to f64 rounding, also far off centre (two passes).
/// The same bits for every number of threads. Throws Error naming row and column of a value that is not finite.
RowMoments row_moments(const StoredRows& rows, std::span<const double> weights, const Context& context);

}  // namespace scorefield

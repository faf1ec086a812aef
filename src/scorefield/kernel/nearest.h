// The exact nearest rows of a data set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/stored_rows.h"

namespace scorefield {

struct NearestRows {
  std::size_t k = 0;
  std::vector<std::uint32_t> index;  // row-major [B, k], nearest first; ties: the lower row first
  std::vector<double> distance;      // row-major [B, k], Euclidean, data units, exact to f64 rounding
};

/// The k nearest of `rows` for every query. queries: [B, d], data units. 1 <= k <= number of rows (Error otherwise).
/// The ranking is that of the f64 distances: an f32 pass only screens.
NearestRows nearest_rows(const StoredRows& rows, const Affine& affine, RowsView<const double> queries, std::size_t k,
                         const Context& context);

}  // namespace scorefield

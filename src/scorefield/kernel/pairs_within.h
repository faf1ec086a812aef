// All pairs of a row and a query that lie within reach of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"

namespace scorefield {

struct RowDistance {
  std::uint32_t row = 0;
  double distance = 0;
  bool operator==(const RowDistance&) const = default;
};

/// Finds every (i, q) with |rows_i - queries_q| <= max(row_reach[i], query_reach[q]) and calls use(q, near) for every
/// query in order, on the calling thread; near: its rows, ascending. Distances are those of nearest_rows(), bit for
/// bit: an f32 pass only screens. rows: [N, d], queries: [B, d], reaches: [N], [B], finite, >= 0, all in one unit.
/// Scratch grows with neither N B nor the number of pairs. The same for every number of threads. Throws Error when
/// there are no rows or the lengths of rows differ.
void pairs_within(RowsView<const double> rows, std::span<const double> row_reach, RowsView<const double> queries,
                  std::span<const double> query_reach,
                  const std::function<void(std::size_t query, std::span<const RowDistance> near)>& use,
                  const Context& context);

}  // namespace scorefield

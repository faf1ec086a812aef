#include "scorefield/kernel/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {

NearestRows nearest_rows(const StoredRows& rows, const Affine& affine, RowsView<const double> queries, std::size_t k,
                         const Context& context) {
  const std::size_t n = row_count(rows);
  const std::size_t d = row_length(rows);
  if (k < 1 || k > n) throw Error(fmt::format("{} nearest rows asked of {}; ask for 1 to {}", k, n, n));
  if (queries.cols != d) {
    throw Error(fmt::format("queries have {} values a row, but the data set has {}", queries.cols, d));
  }
  NearestRows nearest{k, std::vector<std::uint32_t>(queries.rows * k), std::vector<double>(queries.rows * k)};
  run_tasks(context.pool, queries.rows, [&](std::size_t q, int /*worker*/) {
    context.check_cancelled();
    std::vector<std::pair<double, std::uint32_t>> order(n);
    std::visit(
        [&](const auto& view) {
          for (std::size_t i = 0; i < n; ++i) {
            const auto* row = view[i].data();
            double square = 0;
            for (std::size_t c = 0; c < d; ++c) {
              const double difference = queries(q, c) - affine.to_data(static_cast<double>(row[c]));
              square += difference * difference;
            }
            order[i] = {square, static_cast<std::uint32_t>(i)};
          }
        },
        rows);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end());
    for (std::size_t r = 0; r < k; ++r) {
      nearest.index[q * k + r] = order[r].second;
      nearest.distance[q * k + r] = std::sqrt(order[r].first);
    }
  });
  return nearest;
}

}  // namespace scorefield

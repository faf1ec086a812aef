#include "scorefield/metrics/grouped_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {

GroupedRows::GroupedRows(RowsView<const double> rows, std::uint64_t seed, std::uint64_t stream, std::string_view what)
    : rows_(rows.rows, rows.cols) {
  if (rows.rows < kLeastRows || rows.cols == 0) {
    throw Error(fmt::format("{}: {} rows of {} values; a comparison of two sets with its error needs {} rows or more",
                            what, rows.rows, rows.cols, kLeastRows));
  }
  for (std::size_t i = 0; i < rows.rows; ++i) {
    for (const double value : rows[i]) {
      if (!std::isfinite(value)) throw Error(fmt::format("{}: row {} holds a value that is not finite", what, i));
    }
  }
  // Fisher & Yates: files are often in an order (by class, by seed) that groups must not share.
  std::vector<std::size_t> order(rows.rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const RandomStream random(seed, Purpose::kSubset, stream);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i, i)]);
  for (std::size_t i = 0; i < order.size(); ++i) std::ranges::copy(rows[order[i]], rows_[i].begin());

  const std::size_t count = std::min(kMostGroups, rows.rows);
  for (std::size_t g = 0; g <= count; ++g) starts_.push_back(g * rows.rows / count);
  for (std::size_t g = 0; g < count; ++g) groups_.insert(groups_.end(), group_size(g), static_cast<std::uint8_t>(g));
}

double jackknife_variance(std::span<const double> without_group) {
  if (without_group.empty()) return 0;
  const auto count = static_cast<double>(without_group.size());
  const double mean = std::accumulate(without_group.begin(), without_group.end(), 0.0) / count;
  double square = 0;
  for (const double value : without_group) square += (value - mean) * (value - mean);
  return square * (count - 1) / count;
}

Estimate jackknife(std::size_t groups_a, std::size_t groups_b,
                   const std::function<double(std::size_t a, std::size_t b)>& statistic) {
  std::vector<double> without_a(groups_a);
  std::vector<double> without_b(groups_b);
  for (std::size_t a = 0; a < groups_a; ++a) without_a[a] = statistic(a, kNoGroup);
  for (std::size_t b = 0; b < groups_b; ++b) without_b[b] = statistic(kNoGroup, b);
  return {statistic(kNoGroup, kNoGroup), std::sqrt(jackknife_variance(without_a) + jackknife_variance(without_b))};
}

}  // namespace scorefield

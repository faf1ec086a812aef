// Rows in random groups, and the standard errors that come from leaving out a group at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "scorefield/base/rows.h"
#include "scorefield/metrics/estimate.h"

namespace scorefield {

inline constexpr std::size_t kNoGroup = static_cast<std::size_t>(-1);

/// [N, d] in an order drawn at random, cut into 20 groups (N, where there are fewer rows) whose sizes differ by at most
/// one. A copy.
class GroupedRows {
 public:
  static constexpr std::size_t kMostGroups = 20;
  static constexpr std::size_t kLeastRows = 3;

  /// The order is a function of (seed, stream). `what` names the rows in errors. Throws Error for fewer than three rows
  /// or a value that is not finite (with its row).
  GroupedRows(RowsView<const double> rows, std::uint64_t seed, std::uint64_t stream, std::string_view what);

  const Rows& rows() const { return rows_; }
  std::size_t size() const { return rows_.rows(); }
  std::size_t dimension() const { return rows_.cols(); }
  std::size_t groups() const { return starts_.size() - 1; }
  std::size_t group_of(std::size_t row) const { return groups_[row]; }
  /// The rows of group g stand together.
  RowsView<const double> group(std::size_t g) const { return rows_.view().slice(starts_[g], group_size(g)); }
  std::size_t group_size(std::size_t g) const { return starts_[g + 1] - starts_[g]; }
  /// Rows that are left without group g; all of them for kNoGroup.
  std::size_t size_without(std::size_t g) const { return size() - (g == kNoGroup ? 0 : group_size(g)); }

 private:
  Rows rows_;
  std::vector<std::size_t> starts_;
  std::vector<std::uint8_t> groups_;
};

/// (G - 1)/G sum_g (theta_g - mean theta)^2 over the values theta_g without group g (Tukey 1958; for groups Wolter
/// 2007, 4.2): the variance of the statistic. Without the factor it is, on average, no less than the variance of the
/// statistic of G - 1 groups, whatever the statistic (Efron & Stein 1981). 0 for no values.
double jackknife_variance(std::span<const double> without_group);

/// statistic(a, b): of two sets, the first without its group a and the second without its group b (kNoGroup: whole).
/// The sets are independent, so the variances add. groups 0: a set that is not drawn but given.
Estimate jackknife(std::size_t groups_a, std::size_t groups_b,
                   const std::function<double(std::size_t a, std::size_t b)>& statistic);

}  // namespace scorefield

#include "scorefield/metrics/value_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/row_moments.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

// Groups of rows are the tasks; their bounds depend on the number of rows alone, and they are folded in order.
constexpr std::size_t kGroups = 16;

/// An end of a range and how many values reached it.
struct End {
  double value = 0.0;
  std::size_t count = 0;
};

/// The smaller end when `sign` is 1, the larger when it is -1.
End merged(const End& a, const End& b, double sign) {
  if (a.count == 0 || b.count == 0) return a.count == 0 ? b : a;
  if (a.value == b.value) return {a.value, a.count + b.count};
  return sign * a.value < sign * b.value ? a : b;
}

/// Stored units; one entry a coordinate.
struct Group {
  std::vector<double> squares;
  std::vector<End> low, high;
};

Group group_of_rows(const StoredRows& rows, std::size_t first, std::size_t last, std::span<const double> mean,
                    const Context& context) {
  Group group{std::vector<double>(mean.size()), std::vector<End>(mean.size()), std::vector<End>(mean.size())};
  std::visit(
      [&](const auto& view) {
        for (std::size_t i = first; i < last; ++i) {
          if (i % 1024 == 0) context.check_cancelled();
          const auto row = view[i];
          for (std::size_t k = 0; k < row.size(); ++k) {
            const auto value = static_cast<double>(row[k]);
            group.squares[k] += (value - mean[k]) * (value - mean[k]);
            End& low = group.low[k];
            End& high = group.high[k];
            if (i == first || value < low.value) low = {value, 0};
            if (i == first || value > high.value) high = {value, 0};
            low.count += value == low.value ? 1 : 0;
            high.count += value == high.value ? 1 : 0;
          }
        }
      },
      rows);
  return group;
}

RowMoments checked_moments(const Dataset& data, const Context& context) {
  try {
    return row_moments(data.stored(), {}, context);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", data.name(), error.what()));
  }
}

}  // namespace

ValueStatistics value_statistics(const Dataset& data, const Context& context) {
  const std::size_t n = data.size();
  const std::size_t d = data.dimension();
  const Affine& units = data.affine();
  context.check_memory(kGroups * d * (sizeof(double) + 2 * sizeof(End)), "the statistics of the values");
  const std::vector<double> mean = checked_moments(data, context).mean;
  std::vector<Group> groups(kGroups);
  run_tasks(context.pool, kGroups, [&](std::size_t g, int /*worker*/) {
    groups[g] = group_of_rows(data.stored(), g * n / kGroups, (g + 1) * n / kGroups, mean, context);
  });

  ValueStatistics result;
  End low;
  End high;
  for (std::size_t k = 0; k < d; ++k) {
    double squares = 0.0;
    End coordinate_low;
    End coordinate_high;
    for (const Group& group : groups) {
      squares += group.squares[k];
      coordinate_low = merged(coordinate_low, group.low[k], 1.0);
      coordinate_high = merged(coordinate_high, group.high[k], -1.0);
    }
    low = merged(low, coordinate_low, 1.0);
    high = merged(high, coordinate_high, -1.0);
    const bool constant = coordinate_low.value == coordinate_high.value;
    result.constant_coordinates += constant ? 1 : 0;
    // A constant's mean may be off by a rounding, which is no variance.
    const double variance = constant ? 0.0 : squares / static_cast<double>(n) * units.scale * units.scale;
    result.coordinate_mean.push_back(units.to_data(constant ? coordinate_low.value : mean[k]));
    result.coordinate_variance.push_back(variance);
    const auto ends = std::minmax({units.to_data(coordinate_low.value), units.to_data(coordinate_high.value)});
    result.coordinate_low.push_back(ends.first);
    result.coordinate_high.push_back(ends.second);
    result.variance += variance;
    result.mean += result.coordinate_mean.back() / static_cast<double>(d);
  }
  double spread = 0.0;  // of the coordinates' means
  for (const double m : result.coordinate_mean) spread += (m - result.mean) * (m - result.mean);
  result.standard_deviation = std::sqrt((result.variance + spread) / static_cast<double>(d));
  if (units.scale < 0.0) std::swap(low, high);
  const double values = static_cast<double>(n) * static_cast<double>(d);
  result.low = units.to_data(low.value);
  result.high = units.to_data(high.value);
  result.share_low = static_cast<double>(low.count) / values;
  result.share_high = static_cast<double>(high.count) / values;
  return result;
}

}  // namespace scorefield

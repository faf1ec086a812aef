#include "scorefield/metrics/memorisation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>

#include "scorefield/base/error.h"
#include "scorefield/base/subset.h"

namespace scorefield {
namespace {

constexpr std::size_t kFittingRows = 1000;
constexpr double kShareOfMedian = 0.1;

/// How far a row moves, at most, when it is stored: data units.
double storage_resolution(const Dataset& data, std::span<const std::size_t> rows) {
  const auto dimension = static_cast<double>(data.dimension());
  if (data.stored().index() == 0) return 0.5 * std::abs(data.affine().scale) * std::sqrt(dimension);
  const double epsilon =
      data.stored().index() == 1 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  double largest = 0.0;
  std::vector<double> row(data.dimension());
  for (const std::size_t i : rows) {
    data.row(i, row);
    double squares = 0.0;
    for (const double v : row) squares += v * v;
    largest = std::max(largest, squares);
  }
  return epsilon * std::sqrt(largest);
}

}  // namespace

std::string rule_text(const CopyRule& rule) {
  return fmt::format(
      "the nearest training row is within {:.4g}, and at most {:.3g} times as far as the second nearest, unless that "
      "is "
      "as near",
      rule.threshold, rule.ratio);
}

CopyRule fit_copy_rule(const Dataset& training, std::uint64_t seed, const Context& context) {
  const std::vector<std::size_t> rows = random_subset(seed, training.size(), kFittingRows);
  CopyRule rule;
  rule.threshold = storage_resolution(training, rows);
  if (training.size() < 2) return rule;
  const NearestTwo nearest = nearest_two_others(training, rows, context);
  std::vector<double> distances;
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    const double distance = nearest.d1[i] > 0.0 ? nearest.d1[i] : nearest.d2[i];
    if (distance > 0.0 && std::isfinite(distance)) distances.push_back(distance);
  }
  if (distances.empty()) return rule;
  std::sort(distances.begin(), distances.end());
  rule.median_distance = quantile_of_sample(distances, 0.5, distances.size()).value;
  rule.threshold = std::max(rule.threshold, kShareOfMedian * rule.median_distance);
  return rule;
}

Copies find_copies(const CopyRule& rule, const NearestTwo& nearest) {
  Copies copies;
  std::map<std::uint32_t, std::size_t> counts;
  double squares = 0.0;
  std::size_t total = 0;
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    copies.is_copy.push_back(rule.is_copy(nearest.d1[i], nearest.d2[i]));
    if (!copies.is_copy.back()) continue;
    ++total;
    ++counts[nearest.index1[i]];
    squares += nearest.d1[i] * nearest.d1[i];
  }
  copies.share = binomial_interval(total, nearest.size());
  for (const auto& [row, count] : counts) copies.rows.push_back({row, count});
  std::stable_sort(copies.rows.begin(), copies.rows.end(),
                   [](const RowCount& a, const RowCount& b) { return a.count > b.count; });
  if (total > 0) copies.rms_distance = std::sqrt(squares / static_cast<double>(total));
  return copies;
}

Proportion false_positive_rate(const CopyRule& rule, const Dataset& training, const Dataset* held_out, std::size_t rows,
                               std::uint64_t seed, const Context& context) {
  if (held_out == nullptr && training.size() < 2) {
    return {.count = 0, .total = 0, .value = std::numeric_limits<double>::quiet_NaN(), .low = 0.0, .high = 1.0};
  }
  const std::size_t population = held_out != nullptr ? held_out->size() : training.size();
  const std::vector<std::size_t> chosen = random_subset(seed, population, rows);
  const NearestTwo nearest = held_out != nullptr ? nearest_two(training, *held_out, chosen, context)
                                                 : nearest_two_others(training, chosen, context);
  return find_copies(rule, nearest).share;
}

}  // namespace scorefield

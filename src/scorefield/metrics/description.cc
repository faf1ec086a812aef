#include "scorefield/metrics/description.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/subset.h"

namespace scorefield {
namespace {

constexpr std::size_t kClosestPairs = 10;
constexpr std::array kProbabilities = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

std::size_t affordable_rows(const Dataset& training, const DescribeOptions& options) {
  if (options.rows) return *options.rows;
  constexpr double kMultiplyAdds = 5e11;
  constexpr double kOverhead = 32;  // of one row besides its values, in the same unit
  const double row = static_cast<double>(training.size()) * (static_cast<double>(training.dimension()) + kOverhead);
  return std::max<std::size_t>(100, static_cast<std::size_t>(kMultiplyAdds / row));
}

std::vector<LabelCount> count_labels(const Dataset& data) {
  std::map<std::int32_t, std::size_t> counts;
  for (const std::int32_t label : data.labels()) ++counts[label];
  std::vector<LabelCount> result;
  for (const auto& [label, count] : counts) {
    const auto k = static_cast<std::size_t>(label);
    result.push_back({label, k < data.label_names().size() ? data.label_names()[k] : "", count});
  }
  return result;
}

std::size_t count_conflicts(const Dataset& data, const std::vector<std::vector<std::uint32_t>>& groups) {
  if (data.labels().empty()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(groups, [&](const std::vector<std::uint32_t>& group) {
    return std::ranges::any_of(group, [&](std::uint32_t i) { return data.labels()[i] != data.labels()[group[0]]; });
  }));
}

NeighbourStatistics summarise(std::size_t population, std::vector<std::size_t> rows, NearestTwo nearest,
                              const CopyRule& rule) {
  NeighbourStatistics result;
  result.population = population;
  result.d1 = spread_of_sample(nearest.d1, population);
  const std::vector<double> ratios = nearest.ratios();
  if (nearest.index2[0] != kNoRow) {
    result.d2 = spread_of_sample(nearest.d2, population);
    result.ratio = spread_of_sample(ratios, population);
  }
  const auto count = [&](const std::vector<double>& values, auto condition) {
    return binomial_interval(static_cast<std::size_t>(std::ranges::count_if(values, condition)), values.size());
  };
  result.equal = count(nearest.d1, [](double d) { return d == 0.0; });
  result.below_third = count(ratios, [](double r) { return r < 1.0 / 3.0; });
  result.called_copies = find_copies(rule, nearest).share;
  result.rows = std::move(rows);
  result.nearest = std::move(nearest);
  return result;
}

}  // namespace

std::string scalar_name(const Dataset& data) {
  constexpr std::array kNames = {"uint8", "float32", "float64"};
  return kNames[data.stored().index()];
}

std::size_t stored_bytes(const Dataset& data) {
  constexpr std::array<std::size_t, 3> kSizes = {1, 4, 8};
  return data.size() * data.dimension() * kSizes[data.stored().index()];
}

Spread spread_of_sample(std::vector<double> values, std::size_t population) {
  Spread result;
  result.mean = mean_of_sample(values, population);
  std::sort(values.begin(), values.end());
  result.low = values.front();
  result.high = values.back();
  for (const double p : kProbabilities) result.quantiles.push_back(quantile_of_sample(values, p, population));
  return result;
}

std::vector<std::size_t> closest_rows(const NeighbourStatistics& statistics, std::size_t count) {
  const std::vector<double>& d1 = statistics.nearest.d1;
  std::vector<std::size_t> order(d1.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
  std::partial_sort(order.begin(), middle, order.end(),
                    [&](std::size_t a, std::size_t b) { return std::pair(d1[a], a) < std::pair(d1[b], b); });
  order.erase(middle, order.end());
  return order;
}

DataDescription describe(const Dataset& data, const Dataset* held_out, const DescribeOptions& options,
                         const Context& context) {
  if (held_out != nullptr) check_same_shape(data, *held_out);  // before minutes of work
  if (options.rows == std::size_t{0}) throw Error("a description needs at least one row in its searches");
  DataDescription result;
  result.values = value_statistics(data, context);
  result.labels = count_labels(data);
  result.exact_duplicates = exact_duplicates(data, context);
  result.conflicting_duplicates = count_conflicts(data, result.exact_duplicates);
  result.rule = fit_copy_rule(data, options.seed, context);
  result.spectrum = spectrum(data, options.seed, context);
  const std::size_t affordable = affordable_rows(data, options);
  if (data.size() > 1) {
    std::vector<std::size_t> rows = random_subset(options.seed, data.size(), affordable);
    NearestTwo nearest = nearest_two_others(data, rows, context);
    result.near_duplicates = near_pairs(nearest, rows, result.rule.threshold);
    result.closest_pairs = near_pairs(nearest, rows, std::numeric_limits<double>::max());
    result.closest_pairs.resize(std::min(result.closest_pairs.size(), kClosestPairs));
    result.within = summarise(data.size(), std::move(rows), std::move(nearest), result.rule);
  }
  if (held_out != nullptr) {
    std::vector<std::size_t> rows = random_subset(options.seed, held_out->size(), affordable);
    NearestTwo nearest = nearest_two(data, *held_out, rows, context);
    result.held_out = summarise(held_out->size(), std::move(rows), std::move(nearest), result.rule);
  }
  return result;
}

}  // namespace scorefield

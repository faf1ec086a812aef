#include "scorefield/metrics/neighbour_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/subset.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/nearest.h"
#include "scorefield/kernel/pairs_within.h"
#include "scorefield/metrics/intervals.h"

namespace scorefield {
namespace {

constexpr std::size_t kParts = 40;

enum Metric : std::size_t { kPrecision, kRecall, kDensity, kCoverage, kAccuracy, kMetrics };
using Values = std::array<double, kMetrics>;

/// How far the other rows of a set are.
struct OwnDistances {
  std::vector<double> nearest;
  std::vector<double> radius;  // to the k-th nearest
};

OwnDistances own_distances(RowsView<const double> rows, std::size_t k, const Context& context) {
  const NearestRows found = nearest_rows(rows, {}, rows, k + 1, context);
  OwnDistances own;
  for (std::size_t i = 0; i < rows.rows; ++i) {
    // The first is the row itself, or one equal to it.
    own.nearest.push_back(found.distance[i * (k + 1) + 1]);
    own.radius.push_back(found.distance[i * (k + 1) + k]);
  }
  return own;
}

/// What a row counts in the nearest-neighbour test.
double counts_as_own(double own, double other) {
  return own < other ? 1.0 : own == other ? 0.5 : 0.0;
}

Values metrics_of(RowsView<const double> data, RowsView<const double> samples, std::size_t k, const Context& context) {
  const OwnDistances of_data = own_distances(data, k, context);
  const OwnDistances of_samples = own_distances(samples, k, context);
  constexpr double kFar = std::numeric_limits<double>::infinity();
  std::vector<double> nearest_sample(data.rows, kFar);  // as far as it is within reach
  std::vector<bool> recalled(data.rows);
  Values sums{};  // whole numbers, and halves
  pairs_within(
      data, of_data.radius, samples, of_samples.radius,
      [&](std::size_t s, std::span<const RowDistance> near) {
        std::size_t balls = 0;
        double nearest = kFar;
        for (const auto& [row, distance] : near) {
          balls += distance <= of_data.radius[row] ? 1 : 0;
          if (distance <= of_samples.radius[s]) recalled[row] = true;
          nearest_sample[row] = std::min(nearest_sample[row], distance);
          nearest = std::min(nearest, distance);
        }
        sums[kPrecision] += balls > 0 ? 1 : 0;
        sums[kDensity] += static_cast<double>(balls);
        sums[kAccuracy] += counts_as_own(of_samples.nearest[s], nearest);
      },
      context);
  for (std::size_t i = 0; i < data.rows; ++i) {
    sums[kRecall] += recalled[i] ? 1 : 0;
    sums[kCoverage] += nearest_sample[i] <= of_data.radius[i] ? 1 : 0;
    sums[kAccuracy] += counts_as_own(of_data.nearest[i], nearest_sample[i]);
  }
  const auto n = static_cast<double>(data.rows);
  const auto m = static_cast<double>(samples.rows);
  return {sums[kPrecision] / m, sums[kRecall] / n, sums[kDensity] / (m * static_cast<double>(k)), sums[kCoverage] / n,
          sums[kAccuracy] / (n + m)};
}

Rows part_of(RowsView<const double> rows, std::size_t count, std::uint64_t seed) {
  Rows part(count, rows.cols);
  std::size_t at = 0;
  for (const std::size_t i : random_subset(seed, rows.rows, count)) std::ranges::copy(rows[i], part[at++].begin());
  return part;
}

}  // namespace

NeighbourMetrics neighbour_metrics(RowsView<const double> data, RowsView<const double> samples, std::size_t k,
                                   std::uint64_t seed, const Context& context) {
  const std::size_t fewest = std::min(data.rows, samples.rows);
  if (k < 1 || fewest < least_rows(k)) {
    throw Error(
        fmt::format("{} nearest neighbours among {} rows; they and their errors need k >= 1 and {} rows or more", k,
                    fewest, least_rows(k)));
  }
  Context quiet = context;
  quiet.progress = nullptr;
  const Values all = metrics_of(data, samples, k, quiet);

  const std::size_t divisor = fewest / 4 >= 5 * k ? 4 : 2;
  std::vector<Values> parts(kParts);
  const RandomStream seeds(seed, Purpose::kSubset);
  run_tasks(context.pool, kParts, [&](std::size_t r, int /*worker*/) {
    const Rows x = part_of(data, data.rows / divisor, seeds.bits(2 * r));
    const Rows y = part_of(samples, samples.rows / divisor, seeds.bits(2 * r + 1));
    parts[r] = metrics_of(x.view(), y.view(), k, quiet);
  });
  const auto estimate = [&](Metric metric) {
    std::vector<double> values;
    for (const Values& part : parts) values.push_back(part[metric]);
    // s^2 over the parts, times (N/divisor)/(N - N/divisor).
    const double deviation = mean_of_sample(values, 0).standard_error * std::sqrt(static_cast<double>(kParts));
    return Estimate{all[metric], deviation / std::sqrt(static_cast<double>(divisor - 1))};
  };
  return {estimate(kPrecision), estimate(kRecall), estimate(kDensity), estimate(kCoverage), estimate(kAccuracy)};
}

}  // namespace scorefield

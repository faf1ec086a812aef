#include "scorefield/metrics/sliced_wasserstein.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/subset.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/intervals.h"

namespace scorefield {
namespace {

/// Normals of one length: uniform on the sphere.
Rows random_directions(std::size_t count, std::size_t dimension, std::uint64_t seed) {
  Rows directions(count, dimension);
  for (std::size_t p = 0; p < count; ++p) {
    RandomStream(seed, Purpose::kProbe, p).normals(directions[p]);
    const auto theta = directions[p];
    const double length = std::sqrt(std::inner_product(theta.begin(), theta.end(), theta.begin(), 0.0));
    for (double& value : theta) value /= length;
  }
  return directions;
}

/// Four sums side by side: one alone waits for each addition.
double dot(std::span<const double> a, std::span<const double> b) {
  double sums[4] = {0, 0, 0, 0};
  std::size_t k = 0;
  for (; k + 4 <= a.size(); k += 4) {
    for (std::size_t j = 0; j < 4; ++j) sums[j] += a[k + j] * b[k + j];
  }
  for (; k < a.size(); ++k) sums[0] += a[k] * b[k];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

double squared_wasserstein(std::span<const double> sorted_a, std::span<const double> sorted_b) {
  ensure(!sorted_a.empty() && !sorted_b.empty(), "both sets have numbers");
  const std::size_t n = sorted_a.size();
  const std::size_t m = sorted_b.size();
  // Both quantile functions are steps; in units of 1/(n m) their edges are whole numbers.
  double sum = 0;
  std::size_t at = 0;
  for (std::size_t i = 0, j = 0; i < n;) {
    const std::size_t edge_a = (i + 1) * m;
    const std::size_t edge_b = (j + 1) * n;
    const std::size_t edge = std::min(edge_a, edge_b);
    const double difference = sorted_a[i] - sorted_b[j];
    sum += static_cast<double>(edge - at) * difference * difference;
    at = edge;
    if (edge == edge_a) ++i;
    if (edge == edge_b) ++j;
  }
  return sum / (static_cast<double>(n) * static_cast<double>(m));
}

SlicedWasserstein::SlicedWasserstein(const Dataset& data, const SlicedOptions& options, const Context& context) {
  if (options.projections == 0 || options.rows == 0) {
    throw Error(fmt::format("a sliced Wasserstein distance needs projections and rows, got {} and {}",
                            options.projections, options.rows));
  }
  const std::vector<std::size_t> rows = random_subset(options.seed, data.size(), options.rows);
  context.check_memory(options.projections, (rows.size() + data.dimension()) * sizeof(double),
                       "projections of the data");
  directions_ = random_directions(options.projections, data.dimension(), options.seed);
  projected_ = Rows(options.projections, rows.size());
  constexpr std::size_t kChunk = 64;  // rows that a task reads: each is read once
  run_tasks(context.pool, (rows.size() + kChunk - 1) / kChunk, [&](std::size_t chunk, int /*worker*/) {
    context.check_cancelled();
    std::vector<double> row(data.dimension());
    for (std::size_t i = chunk * kChunk; i < std::min(rows.size(), (chunk + 1) * kChunk); ++i) {
      data.row(rows[i], row);
      for (std::size_t p = 0; p < projections(); ++p) projected_(p, i) = dot(directions_[p], row);
    }
  });
  run_tasks(context.pool, projections(), [&](std::size_t p, int /*worker*/) { std::ranges::sort(projected_[p]); });
}

Estimate SlicedWasserstein::distance(RowsView<const double> samples, const Context& context) const {
  if (samples.rows == 0) throw Error("a sliced Wasserstein distance needs samples, got none");
  if (samples.cols != directions_.cols()) {
    throw Error(
        fmt::format("samples of {} values cannot be held against rows of {}", samples.cols, directions_.cols()));
  }
  std::vector<double> squares(projections());
  run_tasks(context.pool, projections(), [&](std::size_t p, int /*worker*/) {
    context.check_cancelled();
    std::vector<double> on_line(samples.rows);
    for (std::size_t i = 0; i < samples.rows; ++i) on_line[i] = dot(directions_[p], samples[i]);
    std::ranges::sort(on_line);
    squares[p] = squared_wasserstein(on_line, projected_[p]);
  });
  const Estimate square = mean_of_sample(squares, 0);
  const double value = std::sqrt(square.value);
  return {value, value > 0 ? square.standard_error / (2 * value) : 0};
}

namespace {

/// Rows on a line, ascending, each with its group.
using OnLine = std::vector<std::pair<double, std::size_t>>;

OnLine project(const GroupedRows& set, std::span<const double> direction) {
  OnLine line(set.size());
  for (std::size_t i = 0; i < line.size(); ++i) line[i] = {dot(direction, set.rows()[i]), set.group_of(i)};
  std::ranges::sort(line);
  return line;
}

std::vector<double> without_group(const OnLine& line, std::size_t group) {
  std::vector<double> kept;
  kept.reserve(line.size());
  for (const auto& [value, of] : line) {
    if (of != group) kept.push_back(value);
  }
  return kept;
}

}  // namespace

Estimate sliced_wasserstein(const GroupedRows& a, const GroupedRows& b, std::size_t projections, std::uint64_t seed,
                            const Context& context) {
  if (projections == 0) throw Error("a sliced Wasserstein distance needs projections, got none");
  if (a.dimension() != b.dimension()) {
    throw Error(fmt::format("rows of {} values cannot be held against rows of {}", b.dimension(), a.dimension()));
  }
  context.check_memory(projections, (a.dimension() + a.groups() + b.groups() + 1) * sizeof(double),
                       "the directions of the projections");
  const Rows directions = random_directions(projections, a.dimension(), seed);
  // W_2^2 along each: without each group of a, without each of b, with all.
  Rows squares(projections, a.groups() + b.groups() + 1);
  run_tasks(context.pool, projections, [&](std::size_t p, int /*worker*/) {
    context.check_cancelled();
    const OnLine line_a = project(a, directions[p]);
    const OnLine line_b = project(b, directions[p]);
    const std::vector<double> all_a = without_group(line_a, kNoGroup);
    const std::vector<double> all_b = without_group(line_b, kNoGroup);
    for (std::size_t g = 0; g < a.groups(); ++g) {
      squares(p, g) = squared_wasserstein(without_group(line_a, g), all_b);
    }
    for (std::size_t g = 0; g < b.groups(); ++g) {
      squares(p, a.groups() + g) = squared_wasserstein(all_a, without_group(line_b, g));
    }
    squares(p, a.groups() + b.groups()) = squared_wasserstein(all_a, all_b);
  });
  const auto column = [&](std::size_t without_a, std::size_t without_b) {
    return without_a != kNoGroup ? without_a : a.groups() + (without_b != kNoGroup ? without_b : b.groups());
  };
  const auto mean_square = [&](std::size_t without_a, std::size_t without_b) {
    std::vector<double> along(projections);
    for (std::size_t p = 0; p < projections; ++p) along[p] = squares(p, column(without_a, without_b));
    return mean_of_sample(along, 0);
  };
  Estimate result = jackknife(a.groups(), b.groups(), [&](std::size_t without_a, std::size_t without_b) {
    return std::sqrt(mean_square(without_a, without_b).value);
  });
  // On a line there is one direction, and nothing is drawn.
  if (a.dimension() > 1 && projections > 1 && result.value > 0) {
    const double of_directions = mean_square(kNoGroup, kNoGroup).standard_error / (2 * result.value);
    result.standard_error = std::hypot(result.standard_error, of_directions);
  }
  return result;
}

}  // namespace scorefield

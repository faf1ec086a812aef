#include "scorefield/metrics/tilted_density.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

/// Noise at which a density is evaluated, as a share of the smallest standard deviation: its variance grows by 1e-12.
constexpr double kNoNoise = 1e-6;

double smallest_deviation(const GaussianMixture& law) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const GaussianComponent& component : law.components()) {
    // The trace of the inverse is within a factor of 2 of its largest value.
    const double inverse = component.covariance.trace([](double v) { return 1 / v; });
    smallest = std::min(smallest, std::sqrt(1 / inverse));
  }
  return smallest;
}

Estimate variation(std::span<const double> masses, std::span<const std::size_t> counts, std::size_t outside,
                   std::size_t total) {
  const auto n = static_cast<double>(total);
  double distance = static_cast<double>(outside) / n;
  double sign = distance;  // mean of s over the samples
  for (std::size_t c = 0; c < masses.size(); ++c) {
    const double share = static_cast<double>(counts[c]) / n;
    distance += std::abs(share - masses[c]);
    sign += share > masses[c] ? share : -share;
  }
  return {distance / 2, std::sqrt(std::max(0.0, 1 - sign * sign) / (4 * n))};
}

}  // namespace

std::size_t PlaneGrid::cell_of(double x, double y) const {
  const auto place = [this](double value, double low, double high) {
    return std::floor((value - low) / (high - low) * static_cast<double>(side));
  };
  const double j = place(x, x_low, x_high);
  const double i = place(y, y_low, y_high);
  const auto inside = [this](double v) { return v >= 0 && v < static_cast<double>(side); };
  if (!inside(i) || !inside(j)) return cells();
  return static_cast<std::size_t>(i) * side + static_cast<std::size_t>(j);
}

PlaneGrid grid_of(const GaussianMixture& law, std::size_t side) {
  if (law.dimension() != 2) {
    throw Error(fmt::format("a density on a grid is for the plane, and this law has {} dimensions", law.dimension()));
  }
  if (!(smallest_deviation(law) > 0)) {
    throw Error("a component of this law has no density in the plane: it is a point or a line");
  }
  constexpr double kInf = std::numeric_limits<double>::infinity();
  PlaneGrid grid{.x_low = kInf, .x_high = -kInf, .y_low = kInf, .y_high = -kInf, .side = side};
  for (const GaussianComponent& component : law.components()) {
    const auto reach = [&](const std::vector<double>& axis) {
      return 4 * std::sqrt(component.covariance.quadratic([](double v) { return v; }, axis));
    };
    const double x = reach({1, 0});
    const double y = reach({0, 1});
    grid.x_low = std::min(grid.x_low, component.mean[0] - x);
    grid.x_high = std::max(grid.x_high, component.mean[0] + x);
    grid.y_low = std::min(grid.y_low, component.mean[1] - y);
    grid.y_high = std::max(grid.y_high, component.mean[1] + y);
  }
  return grid;
}

TiltedDensity::TiltedDensity(const GaussianMixture& law, const ClassLikelihood& likelihood, int label,
                             const PlaneGrid& grid, std::size_t points, const Context& context)
    : grid_(grid), points_(points) {
  ensure(points > 0 && grid.side > 0, "a grid has cells, and a cell has points");
  ensure(label >= 0 && static_cast<std::size_t>(label) < likelihood.classes(), "a density is tilted to a class");
  const std::size_t fine = grid.side * points;
  context.check_memory(fine * fine, 2 * sizeof(double), "the points of the grid");
  const double sigma = kNoNoise * smallest_deviation(law);
  log_density_.resize(fine * fine);
  log_probability_.resize(fine * fine);
  Rows x(fine, 2);
  const auto middle = [fine](double low, double high, std::size_t k) {
    return low + (high - low) * (static_cast<double>(k) + 0.5) / static_cast<double>(fine);
  };
  for (std::size_t i = 0; i < fine; ++i) {
    context.check_cancelled();
    for (std::size_t j = 0; j < fine; ++j) {
      x(j, 0) = middle(grid.x_low, grid.x_high, j);
      x(j, 1) = middle(grid.y_low, grid.y_high, i);
    }
    const Answer density = law.ask(x.view(), {&sigma, 1}, {}, {.denoised = false, .log_density = true}, context);
    const ClassAnswer classes = likelihood.ask(x.view(), {&sigma, 1}, {}, context);
    for (std::size_t j = 0; j < fine; ++j) {
      const std::size_t cell = i / points * grid.side + j / points;
      const std::size_t at = cell * points * points + i % points * points + j % points;
      log_density_[at] = density.log_density[j];
      log_probability_[at] = classes.log_probability(j, static_cast<std::size_t>(label));
    }
  }
}

std::vector<double> TiltedDensity::masses(double scale) const {
  if (!(scale >= 0) || std::isinf(scale)) {
    throw Error(fmt::format("p(x) p(y | x)^g is a density for g from 0 on, not for {}", scale));
  }
  std::vector<double> logs(log_density_.size());
  for (std::size_t k = 0; k < logs.size(); ++k) {
    logs[k] = log_density_[k] + (scale == 0 ? 0 : scale * log_probability_[k]);
  }
  const double largest = *std::ranges::max_element(logs);
  std::vector<double> masses(grid_.cells());
  for (std::size_t k = 0; k < logs.size(); ++k) masses[k / (points_ * points_)] += std::exp(logs[k] - largest);
  const double total = std::accumulate(masses.begin(), masses.end(), 0.0);
  for (double& mass : masses) mass /= total;
  return masses;
}

Estimate total_variation(const PlaneGrid& grid, std::span<const double> masses, RowsView<const double> x) {
  ensure(masses.size() == grid.cells() && x.rows > 0 && x.cols == 2, "samples of the plane, and a mass a cell");
  std::vector<std::size_t> counts(grid.cells() + 1);
  for (std::size_t i = 0; i < x.rows; ++i) ++counts[grid.cell_of(x(i, 0), x(i, 1))];
  return variation(masses, std::span(counts).first(grid.cells()), counts.back(), x.rows);
}

SampleVariation exact_sample_variation(std::span<const double> masses, std::size_t count, std::size_t repeats,
                                       std::uint64_t seed) {
  ensure(count > 0 && repeats > 1, "a spread needs two draws");
  std::vector<double> cumulative(masses.size());
  std::partial_sum(masses.begin(), masses.end(), cumulative.begin());
  double sum = 0;
  double squares = 0;
  for (std::size_t r = 0; r < repeats; ++r) {
    const RandomStream stream(seed, Purpose::kProbe, r);
    std::vector<std::size_t> counts(masses.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = std::ranges::upper_bound(cumulative, stream.uniform(i) * cumulative.back());
      ++counts[std::min(static_cast<std::size_t>(at - cumulative.begin()), masses.size() - 1)];
    }
    const double value = variation(masses, counts, 0, count).value;
    sum += value;
    squares += value * value;
  }
  const auto n = static_cast<double>(repeats);
  return {sum / n, std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1)))};
}

}  // namespace scorefield

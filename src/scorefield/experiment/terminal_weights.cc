// Started from N(0, I) at a finite time, the exact reverse process returns the data with the wrong weights.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "scorefield/experiment/claims.h"
#include "scorefield/experiment/point_field.h"
#include "scorefield/experiment/terminal_law.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {
namespace {

constexpr std::array<double, 4> kPoints = {-2, -0.5, 0.3, 3};
constexpr std::size_t kPaths = 40000;
constexpr std::size_t kBatch = 4000;
constexpr int kSteps = 30;
constexpr double kStop = 0.05;  // sigma; the nearest points are 0.8 apart

std::size_t nearest_point(double x) {
  const auto nearest = std::min_element(kPoints.begin(), kPoints.end(),
                                        [&](double a, double b) { return std::abs(a - x) < std::abs(b - x); });
  return static_cast<std::size_t>(nearest - kPoints.begin());
}

/// Where paths of the posterior sampler end that start from N(0, 1) in Ornstein-Uhlenbeck coordinates at time `start`.
std::vector<std::size_t> end_points(const Field& field, double start, int steps, std::size_t first,
                                    const Context& context) {
  ScheduleOptions schedule;
  schedule.name = "logsnr";
  schedule.steps = steps + 1;
  schedule.sigma_max = make_ou()->at(start).sigma;
  schedule.sigma_min = kStop;
  schedule.end_at_zero = false;
  std::vector<std::uint64_t> seeds(kBatch);
  std::iota(seeds.begin(), seeds.end(), first);
  const Samples samples = sample(
      {.field = field, .sampler = find_sampler("posterior"), .levels = noise_levels(schedule), .start = Start::kExact},
      seeds, {}, nullptr, context);
  std::vector<std::size_t> ends;
  for (const double x : samples.x.values()) ends.push_back(nearest_point(x));
  return ends;
}

struct Weight {
  double value = 0;
  double standard_error = 0;
};

/// The weights in the limit of small steps. The step freezes E[X_0 | X_t], an error of first order, so the same paths
/// are run with n and 2 n steps and extrapolated: 2 w_2n - w_n. What is left of it at n = 30 is at most 0.0005 (by
/// evolving the law of the discrete chain on a grid), a quarter of a standard error.
std::vector<Weight> simulated_weights(const Field& field, double start, const Context& context) {
  std::vector<double> sum(kPoints.size());
  std::vector<double> squares(kPoints.size());
  for (std::size_t first = 0; first < kPaths; first += kBatch) {
    const std::vector<std::size_t> coarse = end_points(field, start, kSteps, first, context);
    const std::vector<std::size_t> fine = end_points(field, start, 2 * kSteps, first, context);
    for (std::size_t path = 0; path < kBatch; ++path) {
      for (std::size_t i = 0; i < kPoints.size(); ++i) {
        const double value = (fine[path] == i ? 2 : 0) - (coarse[path] == i ? 1 : 0);
        sum[i] += value;
        squares[i] += value * value;
      }
    }
    context.report(fmt::format("terminal-weights, T = {}", start), static_cast<double>(first + kBatch), kPaths);
  }
  std::vector<Weight> weights;
  for (std::size_t i = 0; i < kPoints.size(); ++i) {
    const double mean = sum[i] / kPaths;
    weights.push_back({mean, std::sqrt((squares[i] / kPaths - mean * mean) / kPaths)});
  }
  return weights;
}

/// A panel a start: predicted and simulated weights side by side.
Panel weights_panel(double start, const std::vector<double>& predicted, const std::vector<Weight>& simulated) {
  Series theory;
  theory.name = "quadrature";
  theory.mark = Mark::kBars;
  Series simulation;
  simulation.name = "simulation, 3 standard errors";
  simulation.mark = Mark::kPoints;
  Panel panel;
  for (std::size_t i = 0; i < kPoints.size(); ++i) {
    theory.x.push_back(static_cast<double>(i));
    theory.y.push_back(predicted[i]);
    simulation.x.push_back(static_cast<double>(i));
    simulation.y.push_back(simulated[i].value);
    simulation.error.push_back(3 * simulated[i].standard_error);
    panel.categories.push_back(fmt::format("{}", kPoints[i]));
  }
  panel.title = fmt::format("T = {}", start);
  panel.x.label = "point";
  panel.y = {.label = "weight at the end", .low = 0, .high = 0.45};
  panel.series = {std::move(theory), std::move(simulation)};
  panel.horizontal = {{0.25, "in the data"}};
  return panel;
}

Findings measure(const Context& context) {
  const UnitNormalStart field(point_field(kPoints, 1, context));
  Findings findings;
  Figure figure;
  figure.title = "Weights at the end of the reverse process from N(0, 1) at time T";
  figure.columns = 2;
  Table table{
      "Weight of each point (equal in the data)", {"T", "point", "quadrature", "simulation", "standard error"}, {}};
  for (const double start : {0.25, 0.5, 1.0, 4.0}) {
    const std::vector<double> predicted = terminal_weights(kPoints, start);
    const std::vector<Weight> simulated = simulated_weights(field, start, context);
    figure.panels.push_back(weights_panel(start, predicted, simulated));
    for (std::size_t i = 0; i < kPoints.size(); ++i) {
      const double error = simulated[i].standard_error;
      table.rows.push_back({start, kPoints[i], predicted[i], simulated[i].value, error});
      findings.checks.push_back({fmt::format("weight of {} from T = {}", kPoints[i], start), simulated[i].value, error,
                                 predicted[i], 3 * error,
                                 "quadrature of the posterior under N(0, 1); three standard errors of 40000 paths"});
    }
  }
  findings.tables.push_back(std::move(table));
  findings.figures.push_back({"terminal-weights", std::move(figure)});
  return findings;
}

}  // namespace

Claim terminal_weights_claim() {
  return {"terminal-weights",
          "Started from any law q_0 at time T, the exact reverse process ends on the data, point i with weight "
          "int q_0(y) P(X_0 = x_i | X_T = y) dy: from N(0, I) at a finite T the weights are wrong.",
          "Cao, Johnston, Laurent, Le, Motsch 2025 (arXiv 2501.17054), support of the reverse flow; "
          "docs/theory/reverse-process.md, 4",
          "Four points on a line with equal weights; 40000 paths of the library's posterior sampler from N(0, 1) at "
          "T = 0.25, 0.5, 1, 4, each with 30 and with 60 steps in log sigma and extrapolated to small steps; shares of "
          "the nearest points against a quadrature.",
          measure};
}

}  // namespace scorefield

// Euler-Maruyama has weak order 1; the posterior step is exact for one datum at any step.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "scorefield/experiment/claims.h"
#include "scorefield/experiment/point_field.h"
#include "scorefield/sample/linear_step.h"
#include "scorefield/sample/sample.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {
namespace {

constexpr double kDatum = 0.7;
constexpr double kStart = 2;    // Ornstein-Uhlenbeck time, from N(0, 1)
constexpr double kStop = 0.05;  // Ornstein-Uhlenbeck time
constexpr std::size_t kPaths = 20000;

double time_at(int step, int steps) {
  return step == steps ? kStop : kStart + (kStop - kStart) * step / steps;
}

/// The law of the end given the start: N(state Y_T + datum x_0, variance).
struct EndLaw {
  double state = 1;
  double datum = 0;
  double variance = 0;

  /// From Y_T ~ N(0, 1).
  double mean() const { return datum * kDatum; }
  double total_variance() const { return state * state + variance; }
};

EndLaw exact_law() {
  return {std::sinh(kStop) / std::sinh(kStart), std::sinh(kStart - kStop) / std::sinh(kStart),
          2 * std::sinh(kStop) * std::sinh(kStart - kStop) / std::sinh(kStart)};
}

/// The law after `steps` equal steps: for one datum D = x_0, so each step is linear and the recursion is exact.
EndLaw sampler_law(const SamplerEntry& sampler, int steps) {
  const auto ou = make_ou();
  EndLaw law;
  for (int i = 0; i < steps; ++i) {
    const LinearStep step = linear_step(sampler, *ou, time_at(i, steps), time_at(i + 1, steps));
    law = {step.state * law.state, step.state * law.datum + step.denoised,
           step.state * step.state * law.variance + step.noise * step.noise};
  }
  return law;
}

/// How far the library's step is from Y + h (-coth(t) Y + x_0/sinh(t)) + sqrt(2 h) z.
double euler_maruyama_difference(int steps) {
  const auto ou = make_ou();
  double worst = 0;
  for (int i = 0; i < steps; ++i) {
    const double t = time_at(i, steps);
    const double h = t - time_at(i + 1, steps);
    const LinearStep step = linear_step(find_sampler("euler-maruyama"), *ou, t, t - h);
    worst = std::max({worst, std::abs(step.state - (1 - h / std::tanh(t))), std::abs(step.denoised - h / std::sinh(t)),
                      std::abs(step.noise - std::sqrt(2 * h))});
  }
  return worst;
}

struct Variance {
  double value = 0;
  double standard_error = 0;
};

/// Of the end points of kPaths sampled paths, in Ornstein-Uhlenbeck coordinates, about their known mean.
Variance simulated_variance(const SamplerEntry& sampler, int steps, double mean, const Context& context) {
  const auto ou = make_ou();
  const UnitNormalStart field(point_field(std::span(&kDatum, 1), 1, context));
  std::vector<double> levels;
  for (int i = 0; i <= steps; ++i) levels.push_back(ou->at(time_at(i, steps)).sigma);
  std::vector<std::uint64_t> seeds(kPaths);
  std::iota(seeds.begin(), seeds.end(), 0);
  const Samples samples =
      sample({.field = field, .sampler = sampler, .levels = levels, .process = ou.get(), .start = Start::kExact}, seeds,
             {}, nullptr, context);
  double square = 0;
  for (const double x : samples.x.values()) square += std::pow(ou->at(kStop).scale * x - mean, 2);
  const double variance = square / kPaths;
  return {variance, variance * std::sqrt(2.0 / kPaths)};  // Var[z^2] = 2: the end is Gaussian
}

/// Slope of log |error| against log h, by least squares with the error bars of the points.
Check simulated_slope(const std::vector<int>& steps, const std::vector<double>& recursion,
                      const std::vector<Variance>& simulated, double exact) {
  double weight = 0, x = 0, xx = 0, y = 0, xy = 0, expected = 0, x_expected = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double error = simulated[i].value - exact;
    const double w = std::pow(error / simulated[i].standard_error, 2);
    const double log_h = -std::log(steps[i]);
    weight += w;
    x += w * log_h;
    xx += w * log_h * log_h;
    y += w * std::log(std::abs(error));
    xy += w * log_h * std::log(std::abs(error));
    expected += w * std::log(std::abs(recursion[i] - exact));
    x_expected += w * log_h * std::log(std::abs(recursion[i] - exact));
  }
  const double spread = xx - x * x / weight;
  const double standard_error = 1 / std::sqrt(spread);
  return {"slope of log error against log h, simulated, 25 to 200 steps",
          (xy - x * y / weight) / spread,
          standard_error,
          (x_expected - x * expected / weight) / spread,
          3 * standard_error,
          "the same slope of the exact recursion, which comes down to 1 with h; three standard errors"};
}

Figure error_figure(const Table& table) {
  Series recursion;
  recursion.name = "exact recursion";
  recursion.mark = Mark::kLinePoints;
  Series simulated;
  simulated.name = "20000 paths, 3 standard errors";
  simulated.mark = Mark::kPoints;
  Series slope;
  slope.name = "slope 1";
  slope.dashed = true;
  for (const std::vector<double>& row : table.rows) {
    recursion.x.push_back(row[1]);
    recursion.y.push_back(row[2]);
    slope.x.push_back(row[1]);
    slope.y.push_back(table.rows.back()[2] * row[1] / table.rows.back()[1]);
    if (std::isnan(row[3])) continue;
    simulated.x.push_back(row[1]);
    simulated.y.push_back(row[3]);
    simulated.error.push_back(3 * row[4]);
  }
  Panel panel;
  panel.x = {.label = "step h [Ornstein-Uhlenbeck time]", .scale = Scale::kLog};
  panel.y = {.label = "error of the variance", .scale = Scale::kLog};
  panel.series = {std::move(recursion), std::move(simulated), std::move(slope)};
  Figure figure;
  figure.title = "Euler-Maruyama on one datum";
  figure.panels.push_back(std::move(panel));
  return figure;
}

void euler_maruyama(Findings& findings, const Context& context) {
  const double exact = exact_law().total_variance();
  Table table{"Euler-Maruyama: error of the variance at t = 0.05",
              {"steps", "h", "error by recursion", "error simulated", "standard error"},
              {}};
  std::vector<int> sampled;
  std::vector<double> recursion;
  std::vector<Variance> simulated;
  std::vector<double> errors;
  for (const int steps : {25, 50, 100, 200, 400, 800, 1600}) {
    const EndLaw law = sampler_law(find_sampler("euler-maruyama"), steps);
    errors.push_back(law.total_variance() - exact);
    table.rows.push_back({static_cast<double>(steps), (kStart - kStop) / steps, errors.back(), NAN, NAN});
    if (steps > 200) continue;
    const Variance variance = simulated_variance(find_sampler("euler-maruyama"), steps, law.mean(), context);
    sampled.push_back(steps);
    recursion.push_back(law.total_variance());
    simulated.push_back(variance);
    table.rows.back()[3] = variance.value - exact;
    table.rows.back()[4] = variance.standard_error;
    findings.checks.push_back({fmt::format("variance of sampled Euler-Maruyama, {} steps", steps), variance.value,
                               variance.standard_error, law.total_variance(), 3 * variance.standard_error,
                               "the recursion of its own variance; three standard errors of 20000 paths"});
    context.report("weak-order", steps, 200);
  }
  findings.checks.push_back(simulated_slope(sampled, recursion, simulated, exact));
  const double last = std::log2(errors[5] / errors[6]);
  const double before = std::log2(errors[4] / errors[5]);
  findings.checks.push_back(
      {"order between 800 and 1600 steps, extrapolated in h", 2 * last - before, 0, 1, std::abs(last - before),
       "weak order 1; the order of a halving is 1 + O(h), so the last change bounds what is left"});
  findings.checks.push_back({"library's Euler-Maruyama step against its formula", euler_maruyama_difference(100), 0, 0,
                             1e-14, "a handful of roundings of numbers of order 1"});
  findings.figures.push_back({"weak-order", error_figure(table)});
  findings.tables.push_back(std::move(table));
}

void posterior(Findings& findings, const Context& context) {
  const EndLaw exact = exact_law();
  Table table{"Posterior step: deviation from the exact law at t = 0.05",
              {"steps", "of the coefficient of Y_T", "of the coefficient of x_0", "of the variance"},
              {}};
  double worst = 0;
  for (const int steps : {1, 2, 5, 50, 1000}) {
    const EndLaw law = sampler_law(find_sampler("posterior"), steps);
    const std::array<double, 3> difference = {law.state - exact.state, law.datum - exact.datum,
                                              law.variance - exact.variance};
    table.rows.push_back({static_cast<double>(steps), difference[0], difference[1], difference[2]});
    for (const double d : difference) worst = std::max(worst, std::abs(d));
  }
  findings.checks.push_back({"posterior step, 1 to 1000 steps: largest deviation from the exact law", worst, 0, 0,
                             1e-12, "exact for one datum; 1000 steps of about ten roundings each"});
  findings.tables.push_back(std::move(table));
  for (const int steps : {1, 10}) {
    const Variance variance = simulated_variance(find_sampler("posterior"), steps, exact.mean(), context);
    findings.checks.push_back({fmt::format("variance of sampled posterior steps, {}", steps), variance.value,
                               variance.standard_error, exact.total_variance(), 3 * variance.standard_error,
                               "the exact law of the bridge; three standard errors of 20000 paths"});
  }
}

Findings measure(const Context& context) {
  Findings findings;
  euler_maruyama(findings, context);
  posterior(findings, context);
  return findings;
}

}  // namespace

Claim weak_order_claim() {
  return {
      "weak-order",
      "For one datum the explicit solution of the reverse equation makes the posterior step exact at any step size, "
      "while Euler-Maruyama has weak order 1.",
      "Cao, Johnston, Laurent, Le, Motsch 2025 (arXiv 2501.17054), explicit solution for a Dirac initial condition; "
      "docs/theory/reverse-process.md, 3",
      "One datum, Ornstein-Uhlenbeck time 2 to 0.05 from N(0, 1), equal steps. The variance of both samplers by exact "
      "recursion of the library's own steps, and by 20000 sampled paths.",
      measure};
}

}  // namespace scorefield

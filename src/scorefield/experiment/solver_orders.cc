// Every ODE solver's order, measured on a mixture.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "scorefield/experiment/claims.h"
#include "scorefield/experiment/mixture_field.h"
#include "scorefield/experiment/ode_order.h"

namespace scorefield {
namespace {

constexpr const char* kMixture = "mixture:d=8,modes=4,rank=2,noise=0.3";

std::vector<OrderCase> all_cases() {
  std::vector<OrderCase> cases;
  for (const SamplerEntry& entry : samplers()) {
    // An adaptive solver has a tolerance, not an order in the steps that it is given.
    if (entry.kind != SamplerKind::kOde || entry.evaluations_per_step == 0) continue;
    cases.push_back({entry, false});
    cases.push_back({entry, true});
  }
  return cases;
}

/// Coefficients of equal steps are wrong by the change of the step from one to the next, which on smooth nodes is
/// O(h^2): no more than order 2.
int order_on_smooth_nodes(const SamplerEntry& entry) {
  return entry.equal_steps ? std::min(entry.order, 2) : entry.order;
}

Figure error_figure(const std::vector<OrderCase>& cases, const std::vector<OrderMeasurement>& measured) {
  Panel panel;
  panel.x = {.label = "steps, polynomial rho 7", .scale = Scale::kLog};
  panel.y = {.label = "rms distance from the flow's end point", .scale = Scale::kLog};
  for (std::size_t c = 0; c < cases.size(); ++c) {
    const std::string_view name = cases[c].sampler.name;
    const bool shown = name == "euler" || name == "heun" || name == "ab3" || name == "ipndm3" || name == "rk4";
    if (!shown || !cases[c].exact_start) continue;
    Series series;
    series.name = std::string(name);
    series.mark = Mark::kLinePoints;
    series.x.assign(measured[c].steps.begin(), measured[c].steps.end());
    series.y = measured[c].errors;
    panel.series.push_back(std::move(series));
  }
  Figure figure;
  figure.title = "Convergence with exact starting values";
  figure.panels.push_back(std::move(panel));
  return figure;
}

Findings measure(const Context& context) {
  const GaussianMixture field = mixture_field(kMixture, context);
  std::vector<std::uint64_t> seeds(16);
  std::iota(seeds.begin(), seeds.end(), 0);
  const std::vector<OrderCase> cases = all_cases();
  const std::vector<OrderMeasurement> uniform =
      measure_orders({field, 4, 0.4, Spacing::kUniform, seeds, 40, 4}, cases, context);
  const std::vector<OrderMeasurement> polynomial =
      measure_orders({field, 10, 0.1, Spacing::kPolynomial, seeds, 40, 4}, cases, context);

  Findings findings;
  const auto add_table = [&](const char* title, const std::vector<OrderMeasurement>& measured) {
    Table table{title, {"row", "claimed", "own start", "uncertainty", "exact start", "uncertainty"}, {}};
    for (std::size_t c = 0; c < cases.size(); c += 2) {
      table.rows.push_back({static_cast<double>(c / 2), static_cast<double>(cases[c].sampler.order), measured[c].order,
                            measured[c].uncertainty, measured[c + 1].order, measured[c + 1].uncertainty});
    }
    findings.tables.push_back(std::move(table));
  };
  add_table("Nodes uniform in sigma, 4 to 0.4; rows as the checks below", uniform);
  add_table("Polynomial rho 7, 10 to 0.1; rows as the checks below", polynomial);
  const auto add_check = [&](std::size_t c, const char* nodes, int expected, const OrderMeasurement& measured) {
    findings.checks.push_back(
        {fmt::format("{}, {}, exact starting values", cases[c].sampler.name, nodes), measured.order, 0,
         static_cast<double>(expected), 0.1 + 2 * std::min(measured.uncertainty, 0.15),
         "its order; twice the change at the halving before, and 0.1 for higher terms of both; 0.4 at most"});
  };
  for (std::size_t c = 1; c < cases.size(); c += 2) {
    add_check(c, "uniform nodes", cases[c].sampler.order, uniform[c]);
    add_check(c, "rho 7", order_on_smooth_nodes(cases[c].sampler), polynomial[c]);
  }
  findings.figures.push_back({"solver-orders", error_figure(cases, polynomial)});
  return findings;
}

}  // namespace

Claim solver_orders_claim() {
  return {
      "solver-orders",
      "Every ODE solver converges with its order when its starting values are exact; fixed-coefficient iPNDM does on "
      "equal steps only, and is of order 2 on other smooth nodes.",
      "the papers named beside each solver (sample/samplers.h); docs/samplers.md has all tables",
      "16 trajectories of a mixture in 8 dimensions, 40 to 640 steps; end points against classical Runge-Kutta on a "
      "16 times finer grid.",
      measure};
}

}  // namespace scorefield

#include "scorefield/experiment/ode_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/process/schedule.h"

namespace scorefield {
namespace {

// The reference is of order 4: its own error is 16^-4 = 1.5e-5 of a fourth-order method's on the coarse grid.
constexpr int kRefinement = 16;
constexpr double kRounding = 1e-11;

std::vector<double> levels_of(const FlowProblem& problem, int steps) {
  return noise_levels({.name = "polynomial",
                       .steps = steps + 1,
                       .sigma_min = problem.sigma_min,
                       .sigma_max = problem.sigma_max,
                       .rho = problem.spacing == Spacing::kUniform ? 1.0 : 7.0,
                       .end_at_zero = false});
}

/// Each interval of the levels in equal parts.
std::vector<double> refined(const std::vector<double>& levels) {
  std::vector<double> fine;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    for (int j = 0; j < kRefinement; ++j) fine.push_back(levels[i] + (levels[i + 1] - levels[i]) * j / kRefinement);
  }
  fine.push_back(levels.back());
  return fine;
}

/// The states at the first levels of a run.
class FirstStates final : public Observer {
 public:
  explicit FirstStates(std::vector<double> levels) : levels_(std::move(levels)) {}
  const Request& request() const override { return request_; }
  void observe(const Observation& seen) override {
    if (states.size() == levels_.size() || seen.sigma != levels_[states.size()]) return;
    Rows x(seen.x.rows, seen.x.cols);
    for (std::size_t i = 0; i < x.rows(); ++i) std::ranges::copy(seen.x[i], x[i].begin());
    states.push_back(std::move(x));
  }
  std::vector<Rows> states;

 private:
  std::vector<double> levels_;
  Request request_;
};

double rms_distance(const Rows& a, const Rows& b) {
  double square = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i) square += std::pow(a.values()[i] - b.values()[i], 2);
  return std::sqrt(square / static_cast<double>(a.rows()));
}

}  // namespace

std::vector<OrderMeasurement> measure_orders(const FlowProblem& problem, std::span<const OrderCase> cases,
                                             const Context& context) {
  constexpr std::size_t kMostMemory = 4;  // of all samplers
  std::vector<OrderMeasurement> found(cases.size());
  for (int k = 0, steps = problem.steps; k <= problem.halvings; ++k, steps *= 2) {
    const std::vector<double> levels = levels_of(problem, steps);
    FirstStates first({levels.begin(), levels.begin() + kMostMemory});
    const Sampling reference{.field = problem.field, .sampler = find_sampler("rk4"), .levels = refined(levels)};
    const Rows exact = sample(reference, problem.seeds, {}, &first, context).x;
    double largest = 0;
    for (const double x : first.states[0].values()) largest = std::max(largest, std::abs(x));
    for (std::size_t c = 0; c < cases.size(); ++c) {
      const SamplerEntry& sampler = cases[c].sampler;
      const std::size_t given = cases[c].exact_start ? sampler.make({})->memory() : 1;
      ensure(given <= kMostMemory, "states for every sampler's memory");
      const Sampling run{.field = problem.field, .sampler = sampler, .levels = levels};
      const Rows end = sample_from(run, std::span(first.states).first(given), problem.seeds, {}, nullptr, context).x;
      const double error = rms_distance(end, exact);
      if (error < kRounding * largest) continue;
      found[c].steps.push_back(steps);
      found[c].errors.push_back(error);
    }
  }
  for (std::size_t c = 0; c < cases.size(); ++c) {
    const std::vector<double>& e = found[c].errors;
    const std::size_t n = e.size();
    if (n < 3)
      throw Error(fmt::format("{} steps are too many to measure an order of {}", problem.steps, cases[c].sampler.name));
    found[c].order = std::log2(e[n - 2] / e[n - 1]);
    found[c].uncertainty = std::abs(found[c].order - std::log2(e[n - 3] / e[n - 2]));
  }
  return found;
}

}  // namespace scorefield

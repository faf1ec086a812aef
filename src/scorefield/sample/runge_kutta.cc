// Explicit Runge-Kutta methods of the probability-flow ODE, in the time of any process.
#include <cmath>

#include "scorefield/sample/option_check.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

/// Butcher's tableau: stage i at from + c_i h, its state u + h sum_j a_ij k_j; the step u + h sum_i b_i k_i.
struct Tableau {
  std::vector<double> c;
  std::vector<std::vector<double>> a;
  std::vector<double> b;
};

class RungeKutta final : public Sampler {
 public:
  explicit RungeKutta(Tableau tableau) : tableau_(std::move(tableau)) {}

  bool steps_from_infinity() const override { return true; }

  void step(const Step& step) override {
    const double h = step.to.t - step.from.t;
    // D is not known at sigma = 0, where a later stage would want it.
    if (step.to.sigma == 0) {
      Combination euler;
      euler.add_x(step.from.carry() / step.to.carry(), step.now()).add_slope(h / step.to.carry(), step.now());
      return step.finish(euler);
    }
    std::vector<Evaluation> later;
    later.reserve(tableau_.c.size());
    const auto stage = [&](std::size_t i) -> const Evaluation& { return i == 0 ? step.now() : later[i - 1]; };
    const auto moved = [&](const TimePoint& to, const std::vector<double>& weights) {
      Combination states;
      states.add_x(step.from.carry() / to.carry(), step.now());
      for (std::size_t i = 0; i < weights.size(); ++i) states.add_slope(weights[i] * h / to.carry(), stage(i));
      return states;
    };
    for (std::size_t i = 1; i < tableau_.c.size(); ++i) {
      const double c = tableau_.c[i];
      const TimePoint at = c == 1 ? step.to : point_at_time(step.process, step.from.t + c * h);
      later.push_back(step.evaluate(at, moved(at, tableau_.a[i])));
    }
    step.finish(moved(step.to, tableau_.b));
  }

 private:
  Tableau tableau_;
};

}  // namespace

std::unique_ptr<Sampler> make_euler(const SamplerOptions& /*options*/) {
  return std::make_unique<RungeKutta>(Tableau{{0}, {{}}, {1}});
}

std::unique_ptr<Sampler> make_heun(const SamplerOptions& options) {
  const double r = options.r.value_or(1);
  check_share("heun", "r", r);
  return std::make_unique<RungeKutta>(Tableau{{0, r}, {{}, {r}}, {1 - 1 / (2 * r), 1 / (2 * r)}});
}

std::unique_ptr<Sampler> make_rk4(const SamplerOptions& /*options*/) {
  return std::make_unique<RungeKutta>(
      Tableau{{0, 0.5, 0.5, 1}, {{}, {0.5}, {0, 0.5}, {0, 0, 1}}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}});
}

}  // namespace scorefield

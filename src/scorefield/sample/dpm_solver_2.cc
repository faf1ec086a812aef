// DPM-Solver-2: a midpoint rule in sigma whose midpoint lies in log sigma.
#include <fmt/format.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class DpmSolver2 final : public Sampler {
 public:
  explicit DpmSolver2(double r) : r_(r) {}

  void step(const Step& step) override {
    const Evaluation& now = step.now();
    Combination next;
    next.add_x(1, now);
    const double h = step.to.sigma - step.from.sigma;
    if (step.to.sigma == 0) return step.finish(next.add_noise(h, now));
    const double middle = std::pow(step.from.sigma, 1 - r_) * std::pow(step.to.sigma, r_);
    Combination half;
    half.add_x(1, now).add_noise(middle - step.from.sigma, now);
    const Evaluation second = step.evaluate({.sigma = middle}, half);
    step.finish(next.add_noise(h * (1 - 1 / (2 * r_)), now).add_noise(h / (2 * r_), second));
  }

 private:
  double r_;
};

}  // namespace

std::unique_ptr<Sampler> make_dpm_solver_2(const SamplerOptions& options) {
  const double r = options.r.value_or(0.5);
  if (!(r > 0 && r <= 1)) throw Error(fmt::format("dpm2: r must be above 0 and at most 1, got {}", r));
  return std::make_unique<DpmSolver2>(r);
}

}  // namespace scorefield

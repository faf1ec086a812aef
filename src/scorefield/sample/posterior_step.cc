// The exact posterior step, and DDPM's other variances around its mean.
#include <cmath>

#include "scorefield/sample/option_check.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class Posterior final : public Sampler {
 public:
  explicit Posterior(double variance) : variance_(variance) {}

  void step(const Step& step) override {
    const double ratio = step.to.sigma / step.from.sigma;
    // (1 - q)(1 + q) keeps its digits when the step is short.
    const double rest = (1 - ratio) * (1 + ratio);
    Combination next;
    next.add_x(ratio * ratio, step.now()).add_denoised(rest, step.now());
    if (step.to.sigma == 0) return step.finish(next);
    // The variance of q(u_t | u_r) over that of q(u_r | u_t, x_0) is (noise_t / noise_r)^2, so their geometric mean is
    // a power of it.
    const double widened = std::pow(step.from.law.noise / step.to.law.noise, variance_);
    const Rows z = step.noise->between(step.from.sigma, step.to.sigma);
    step.finish(next.add(step.to.sigma * std::sqrt(rest) * widened, z.view()));
  }

 private:
  double variance_;  // 0: of the posterior, 1: of the forward transition
};

}  // namespace

std::unique_ptr<Sampler> make_posterior(const SamplerOptions& /*options*/) {
  return std::make_unique<Posterior>(0);
}

std::unique_ptr<Sampler> make_ddpm_large(const SamplerOptions& options) {
  check_option("ddpm-large", "variance", options.variance, 0, 1);
  return std::make_unique<Posterior>(options.variance);
}

}  // namespace scorefield

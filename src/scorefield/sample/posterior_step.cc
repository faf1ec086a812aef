// The exact posterior step.
#include <cmath>

#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class Posterior final : public Sampler {
 public:
  void step(const Step& step) override {
    const double ratio = step.to.sigma / step.from.sigma;
    // (1 - q)(1 + q) keeps its digits when the step is short.
    const double rest = (1 - ratio) * (1 + ratio);
    Combination next;
    next.add_x(ratio * ratio, step.now()).add_denoised(rest, step.now());
    if (step.to.sigma == 0) return step.finish(next);
    const Rows z = step.noise->between(step.from.sigma, step.to.sigma);
    step.finish(next.add(step.to.sigma * std::sqrt(rest), z.view()));
  }
};

}  // namespace

std::unique_ptr<Sampler> make_posterior(const SamplerOptions& /*options*/) {
  return std::make_unique<Posterior>();
}

}  // namespace scorefield

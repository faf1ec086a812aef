// Samplers of the reverse SDE  dx = 2 (x - D)/sigma dsigma + sqrt(2 sigma) dW  (VE frame, sigma running down).
#include <cmath>

#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class EulerMaruyama final : public Sampler {
 public:
  void step(const Step& step) override {
    Combination next;
    if (step.to.sigma == 0) return step.finish(next.add_denoised(1, step.now()));
    // du = (ds/dt x + 2 s (dsigma/dt) (x - D)/sigma) dt + s sqrt(2 sigma |dsigma/dt|) dW: the ODE's slope with the
    // score part doubled.
    const Marginal& law = step.from.law;
    const double scale = step.to.law.scale;
    const double dt = step.to.t - step.from.t;
    const Rows z = step.noise->between(step.from.sigma, step.to.sigma);
    next.add_x((law.scale + dt * law.dscale_dt) / scale, step.now())
        .add_noise(2 * dt * law.scale * law.dsigma_dt / scale, step.now())
        .add(law.scale * std::sqrt(2 * law.sigma * std::abs(law.dsigma_dt * dt)) / scale, z.view());
    step.finish(next);
  }
};

}  // namespace

std::unique_ptr<Sampler> make_euler_maruyama(const SamplerOptions& /*options*/) {
  return std::make_unique<EulerMaruyama>();
}

}  // namespace scorefield

#include "scorefield/sample/sde_samplers.h"

#include <algorithm>
#include <cmath>

namespace scorefield {
namespace {

class Posterior final : public Sampler {
 public:
  void step(const Step& step) const override {
    const double ratio = step.to.sigma / step.from.sigma;
    // (1 - q)(1 + q) keeps its digits when the step is short.
    const double deviation = step.to.sigma * std::sqrt((1 - ratio) * (1 + ratio));
    const Rows z = deviation > 0 ? step.noise() : Rows(step.x.rows, step.x.cols);
    for (std::size_t i = 0; i < step.x.rows; ++i) {
      for (std::size_t k = 0; k < step.x.cols; ++k) {
        const double d = step.denoised(i, k);
        step.x(i, k) = d + ratio * ratio * (step.x(i, k) - d) + deviation * z(i, k);
      }
    }
  }
};

class EulerMaruyama final : public Sampler {
 public:
  void step(const Step& step) const override {
    if (step.to.sigma == 0) {
      for (std::size_t i = 0; i < step.x.rows; ++i) std::ranges::copy(step.denoised[i], step.x[i].begin());
      return;
    }
    // du = (ds/dt x + 2 s (dsigma/dt) (x - D)/sigma) dt + s sqrt(2 sigma |dsigma/dt|) dW: the ODE's slope with the
    // score part doubled.
    const Marginal& at = step.from.law;
    const double dt = step.to.t - step.from.t;
    const double deviation = at.scale * std::sqrt(2 * at.sigma * std::abs(at.dsigma_dt * dt));
    const Rows z = step.noise();
    for (std::size_t i = 0; i < step.x.rows; ++i) {
      for (std::size_t k = 0; k < step.x.cols; ++k) {
        double& x = step.x(i, k);
        const double drift = at.dscale_dt * x + 2 * at.scale * at.dsigma_dt * ((x - step.denoised(i, k)) / at.sigma);
        x = (at.scale * x + dt * drift + deviation * z(i, k)) / step.to.law.scale;
      }
    }
  }
};

}  // namespace

const Sampler& posterior_sampler() {
  static const Posterior sampler;
  return sampler;
}

const Sampler& euler_maruyama_sampler() {
  static const EulerMaruyama sampler;
  return sampler;
}

}  // namespace scorefield

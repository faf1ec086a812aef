// Samplers of the reverse SDE  dx = (1 + lambda^2) (x - D)/sigma dsigma + lambda sqrt(2 sigma) dW  (VE frame, sigma
// running down), whose marginals are the same for every lambda: 1 is the reverse of the forward process, 0 the
// probability-flow ODE (docs/theory/reverse-process.md).
#include <cmath>

#include "scorefield/sample/option_check.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class EulerMaruyama final : public Sampler {
 public:
  explicit EulerMaruyama(double lambda) : lambda_(lambda) {}

  void step(const Step& step) override {
    Combination next;
    // du = (ds/dt x + (1 + lambda^2) s (dsigma/dt) (x - D)/sigma) dt + lambda s sqrt(2 sigma |dsigma/dt|) dW: the ODE's
    // slope with a factor on the score part.
    if (step.to.sigma == 0 && lambda_ > 0) return step.finish(next.add_denoised(1, step.now()));
    const Marginal& law = step.from.law;
    const double scale = step.to.law.scale;
    const double dt = step.to.t - step.from.t;
    next.add_x((law.scale + dt * law.dscale_dt) / scale, step.now())
        .add_noise((1 + lambda_ * lambda_) * dt * law.scale * law.dsigma_dt / scale, step.now());
    Rows z;
    if (lambda_ > 0) {
      z = step.noise->between(step.from.sigma, step.to.sigma);
      next.add(lambda_ * law.scale * std::sqrt(2 * law.sigma * std::abs(law.dsigma_dt * dt)) / scale, z.view());
    }
    step.finish(next);
  }

 private:
  double lambda_;
};

/// The forward transition is u_t = (s_t/s_r) u_r + G z, G^2 = s_t^2 (sigma_t^2 - sigma_r^2); its reversal to first
/// order
///   u_r = (2 - s_t/s_r) u_t + G^2 grad log p(u_t) + G z.
class ReverseDiffusion final : public Sampler {
 public:
  void step(const Step& step) override {
    Combination next;
    if (step.to.sigma == 0) return step.finish(next.add_denoised(1, step.now()));
    const double scales = step.from.law.scale / step.to.law.scale;
    const double from = step.from.sigma;
    const double variance = (from - step.to.sigma) * (from + step.to.sigma);
    const Rows z = step.noise->between(step.from.sigma, step.to.sigma);
    next.add_x((2 - scales) * scales, step.now())
        .add_noise(-scales * variance / from, step.now())
        .add(scales * std::sqrt(variance), z.view());
    step.finish(next);
  }
};

}  // namespace

std::unique_ptr<Sampler> make_euler_maruyama(const SamplerOptions& options) {
  check_option("euler-maruyama", "lambda", options.lambda, 0, 1);
  return std::make_unique<EulerMaruyama>(options.lambda);
}

std::unique_ptr<Sampler> make_reverse_diffusion(const SamplerOptions& /*options*/) {
  return std::make_unique<ReverseDiffusion>();
}

}  // namespace scorefield

#include "scorefield/sample/ode_samplers.h"

namespace scorefield {
namespace {

/// du/dt of the probability-flow ODE at a point: (ds/dt)/s u + s (dsigma/dt) (x - D)/sigma, with u = s x
/// (Karras et al. 2022, eq. 81).
double slope(const TimePoint& at, double x, double denoised) {
  return at.law.dscale_dt * x + at.law.scale * at.law.dsigma_dt * ((x - denoised) / at.sigma);
}

class Euler final : public Sampler {
 public:
  void step(const Step& step) const override {
    const double dt = step.to.t - step.from.t;
    for (std::size_t i = 0; i < step.x.rows; ++i) {
      for (std::size_t k = 0; k < step.x.cols; ++k) {
        double& x = step.x(i, k);
        x = (step.from.law.scale * x + dt * slope(step.from, x, step.denoised(i, k))) / step.to.law.scale;
      }
    }
  }
};

class Heun final : public Sampler {
 public:
  void step(const Step& step) const override {
    if (step.to.sigma == 0) return euler_sampler().step(step);
    const double dt = step.to.t - step.from.t;
    const std::size_t rows = step.x.rows;
    const std::size_t cols = step.x.cols;
    Rows first(rows, cols);
    Rows predicted(rows, cols);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < cols; ++k) {
        first(i, k) = slope(step.from, step.x(i, k), step.denoised(i, k));
        predicted(i, k) = (step.from.law.scale * step.x(i, k) + dt * first(i, k)) / step.to.law.scale;
      }
    }
    const Rows denoised = step.denoise(predicted.view(), step.to.sigma);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < cols; ++k) {
        const double second = slope(step.to, predicted(i, k), denoised(i, k));
        step.x(i, k) =
            (step.from.law.scale * step.x(i, k) + dt * (0.5 * first(i, k) + 0.5 * second)) / step.to.law.scale;
      }
    }
  }
};

}  // namespace

const Sampler& euler_sampler() {
  static const Euler sampler;
  return sampler;
}

const Sampler& heun_sampler() {
  static const Heun sampler;
  return sampler;
}

}  // namespace scorefield

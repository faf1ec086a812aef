// SDE-DPM-Solver++ (Lu et al. 2022, "DPM-Solver++", and k-diffusion's samplers). With lambda = -log sigma, the SDE
//   dx = (1 + eta) (D - x) dlambda + sigma sqrt(2 eta) dW
// is integrated exactly but for D. Where D stands still, with h = log(sigma_t / sigma_r),
//   x_r = D + e^(-(1 + eta) h) (x - D) + sigma_r sqrt(1 - e^(-2 eta h)) z,
// and higher orders let D change within the step.
#include <cmath>

#include "scorefield/sample/ancestral.h"
#include "scorefield/sample/option_check.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

/// What is left of e^-h = 1 - h + h^2/2 - ... from the term of order m on, over (-h)^(m-1), with its sign changed:
///   h/m! - h^2/(m+1)! + ...
/// m = 2 is 1 - (1 - e^-h)/h, m = 3 is 1/2 - (m = 2)/h. A short step takes the series, which loses no digits.
double exponential_rest(double h, int m) {
  if (h > 1) {
    double rest = -std::expm1(-h);
    double factorial = 1;
    for (int k = 1; k < m; ++k) {
      factorial *= k;
      rest = 1 / factorial - rest / h;
    }
    return rest;
  }
  double term = h;
  for (int k = 2; k <= m; ++k) term /= k;
  double sum = 0;
  for (int k = m + 1; std::abs(term) > 1e-17 * sum; ++k) {
    sum += term;
    term *= -h / k;
  }
  return sum;
}

enum class Correction {
  kMidpoint,  // second order, half the first order's weight (DPM-Solver++'s)
  kExact,     // second order, the integral of the polynomial through the last two D
  kThird,     // k-diffusion's third order; kExact while there are two evaluations
};

class MultistepSde final : public Sampler {
 public:
  MultistepSde(std::string_view name, std::size_t memory, Correction correction, const SamplerOptions& options)
      : memory_(memory), correction_(correction), eta_(options.eta), s_noise_(options.s_noise) {
    check_option(name, "eta", eta_, 0);
    check_option(name, "s-noise", s_noise_, 0);
  }

  std::size_t memory() const override { return memory_; }

  void step(const Step& step) override {
    Combination next;
    if (step.to.sigma == 0) return step.finish(next.add_denoised(1, step.now()));
    const double h = std::log(step.from.sigma / step.to.sigma);
    const double decay = (1 + eta_) * h;
    next.add_x(std::exp(-decay), step.now()).add_denoised(-std::expm1(-decay), step.now());
    if (step.past.size() > 1) correct(step, h, decay, next);
    Rows z;
    if (eta_ > 0) {
      z = step.noise->between(step.from.sigma, step.to.sigma);
      next.add(step.to.sigma * std::sqrt(-std::expm1(-2 * eta_ * h)) * s_noise_, z.view());
    }
    step.finish(next);
  }

 private:
  /// Adds what D's differences change: d_i = (D_i - D_{i+1}) / (h_i / h), newest first.
  void correct(const Step& step, double h, double decay, Combination& next) const {
    const auto add_difference = [&](std::size_t i, double factor) {
      const double weight = factor * h / std::log(step.past[i + 1].at.sigma / step.past[i].at.sigma);
      next.add_denoised(weight, step.past[i]).add_denoised(-weight, step.past[i + 1]);
    };
    const double linear = correction_ == Correction::kMidpoint ? -std::expm1(-decay) / 2 : exponential_rest(decay, 2);
    if (correction_ != Correction::kThird || step.past.size() == 2) return add_difference(0, linear);
    // d2 = (d_0 - d_1)/(r_0 + r_1) and d1 = d_0 + r_0 d2. The weight of d2 is that of a second derivative, which is
    // 2 d2: the scheme as it was published and is in use.
    const double r0 = std::log(step.past[1].at.sigma / step.past[0].at.sigma) / h;
    const double r1 = std::log(step.past[2].at.sigma / step.past[1].at.sigma) / h;
    const double second = (linear * r0 + exponential_rest(decay, 3)) / (r0 + r1);
    add_difference(0, linear + second);
    add_difference(1, -second);
  }

  std::size_t memory_;
  Correction correction_;
  double eta_;
  double s_noise_;
};

/// Two stages, each an ancestral step from step.from, over stretches of the Brownian path that overlap.
class DpmppSde final : public Sampler {
 public:
  explicit DpmppSde(const SamplerOptions& options)
      : r_(options.r.value_or(0.5)), eta_(options.eta), s_noise_(options.s_noise) {
    check_share("dpmpp-sde", "r", r_);
    check_option("dpmpp-sde", "eta", eta_, 0);
    check_option("dpmpp-sde", "s-noise", s_noise_, 0);
  }

  void step(const Step& step) override {
    Combination next;
    const Evaluation& now = step.now();
    if (step.to.sigma == 0) return step.finish(next.add_denoised(1, now));

    const double middle = std::pow(step.from.sigma, 1 - r_) * std::pow(step.to.sigma, r_);
    Combination half;
    Rows z;
    const double half_denoised = stage(step, middle, half, z);
    half.add_denoised(half_denoised, now);
    const Evaluation second = step.evaluate({.sigma = middle}, half);

    const double denoised = stage(step, step.to.sigma, next, z);
    const double weight = 1 / (2 * r_);
    next.add_denoised(denoised * (1 - weight), now).add_denoised(denoised * weight, second);
    step.finish(next);
  }

 private:
  /// Adds x and noise of the ancestral step to sigma, and returns D's weight. The noise goes to z, which must live as
  /// long as `states`.
  double stage(const Step& step, double sigma, Combination& states, Rows& z) const {
    const AncestralSplit split = split_ancestral(step.from.sigma, sigma, eta_);
    const double ratio = split.down / step.from.sigma;
    states.add_x(ratio, step.now());
    if (split.up > 0) {
      z = step.noise->between(step.from.sigma, sigma);
      states.add(split.up * s_noise_, z.view());
    }
    return 1 - ratio;
  }

  double r_;
  double eta_;
  double s_noise_;
};

}  // namespace

std::unique_ptr<Sampler> make_sde_dpmpp_1(const SamplerOptions& options) {
  return std::make_unique<MultistepSde>("sde-dpmpp1", 1, Correction::kExact, options);
}

std::unique_ptr<Sampler> make_dpmpp_2m_sde(const SamplerOptions& options) {
  return std::make_unique<MultistepSde>("dpmpp2m-sde", 2, Correction::kMidpoint, options);
}

std::unique_ptr<Sampler> make_dpmpp_2m_sde_heun(const SamplerOptions& options) {
  return std::make_unique<MultistepSde>("dpmpp2m-sde-heun", 2, Correction::kExact, options);
}

std::unique_ptr<Sampler> make_dpmpp_3m_sde(const SamplerOptions& options) {
  return std::make_unique<MultistepSde>("dpmpp3m-sde", 3, Correction::kThird, options);
}

std::unique_ptr<Sampler> make_dpmpp_sde(const SamplerOptions& options) {
  return std::make_unique<DpmppSde>(options);
}

}  // namespace scorefield

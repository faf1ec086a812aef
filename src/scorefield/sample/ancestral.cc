// Ancestral samplers: a step of the probability-flow ODE to below the next level, and noise that leads back to it.
#include "scorefield/sample/ancestral.h"

#include "scorefield/sample/option_check.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class Ancestral : public Sampler {
 public:
  Ancestral(std::string_view name, const SamplerOptions& options) : eta_(options.eta), s_noise_(options.s_noise) {
    check_option(name, "eta", eta_, 0);
    check_option(name, "s-noise", s_noise_, 0);
  }

  void step(const Step& step) final {
    const AncestralSplit split = split_ancestral(step.from.sigma, step.to.sigma, eta_);
    Combination next;
    if (split.down == 0) {
      next.add_denoised(1, step.now());
    } else {
      move_down(step, split.down, next);
    }
    Rows z;
    if (split.up > 0) {
      z = step.noise->between(step.from.sigma, step.to.sigma);
      next.add(split.up * s_noise_, z.view());
    }
    step.finish(next);
  }

 protected:
  /// The ODE's step from step.from to sigma = down > 0. `next` holds views: what they show must outlive this call.
  virtual void move_down(const Step& step, double down, Combination& next) = 0;

 private:
  double eta_;
  double s_noise_;
};

class EulerAncestral final : public Ancestral {
 public:
  using Ancestral::Ancestral;

 private:
  void move_down(const Step& step, double down, Combination& next) override {
    const double ratio = down / step.from.sigma;
    next.add_x(ratio, step.now()).add_denoised(1 - ratio, step.now());
  }
};

class TwoStageAncestral : public Ancestral {
 public:
  TwoStageAncestral(std::string_view name, const SamplerOptions& options)
      : Ancestral(name, options), r_(options.r.value_or(0.5)) {
    check_share(name, "r", r_);
  }

 protected:
  /// What the second evaluation counts for, against the first.
  double weight() const { return 1 / (2 * r_); }
  /// D where Euler's step of the share r, of log sigma, leads.
  const Evaluation& evaluate_second(const Step& step, double down) {
    const double ratio = std::pow(down / step.from.sigma, r_);
    Combination middle;
    middle.add_x(ratio, step.now()).add_denoised(1 - ratio, step.now());
    second_ = step.evaluate({.sigma = step.from.sigma * ratio}, middle);
    return second_;
  }

 private:
  double r_;
  Evaluation second_;  // of the present step
};

class Dpm2Ancestral final : public TwoStageAncestral {
 public:
  using TwoStageAncestral::TwoStageAncestral;

 private:
  void move_down(const Step& step, double down, Combination& next) override {
    const Evaluation& second = evaluate_second(step, down);
    const double h = down - step.from.sigma;
    next.add_x(1, step.now()).add_noise(h * (1 - weight()), step.now()).add_noise(h * weight(), second);
  }
};

class Dpmpp2sAncestral final : public TwoStageAncestral {
 public:
  using TwoStageAncestral::TwoStageAncestral;

 private:
  void move_down(const Step& step, double down, Combination& next) override {
    const Evaluation& second = evaluate_second(step, down);
    const double ratio = down / step.from.sigma;
    next.add_x(ratio, step.now())
        .add_denoised((1 - ratio) * (1 - weight()), step.now())
        .add_denoised((1 - ratio) * weight(), second);
  }
};

}  // namespace

std::unique_ptr<Sampler> make_euler_ancestral(const SamplerOptions& options) {
  return std::make_unique<EulerAncestral>("euler-ancestral", options);
}

std::unique_ptr<Sampler> make_dpm2_ancestral(const SamplerOptions& options) {
  return std::make_unique<Dpm2Ancestral>("dpm2-ancestral", options);
}

std::unique_ptr<Sampler> make_dpmpp_2s_ancestral(const SamplerOptions& options) {
  return std::make_unique<Dpmpp2sAncestral>("dpmpp2s-ancestral", options);
}

}  // namespace scorefield

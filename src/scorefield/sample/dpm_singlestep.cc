// DPM-Solver and DPM-Solver++, singlestep: intermediate points at fixed shares of the step in log sigma.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/sample/exponential_step.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class DpmSinglestep final : public Sampler {
 public:
  DpmSinglestep(Prediction prediction, int order, const SamplerOptions& options)
      : prediction_(prediction),
        order_(order),
        lower_order_final_(options.lower_order_final),
        r_(options.r.value_or(order == 2 ? 1.0 / 2 : 1.0 / 3)),
        r2_(options.r2.value_or(2.0 / 3)) {
    if (!(r_ > 0 && r_ <= 1)) throw Error(fmt::format("r must be above 0 and at most 1, got {}", r_));
    if (order == 3 && !(r2_ > r_ && r2_ <= 1)) {
      throw Error(fmt::format("r2 must be above r = {} and at most 1, got {}", r_, r2_));
    }
  }

  void step(const Step& step) override {
    if (step.to.sigma == 0) return step.finish(Combination().add_denoised(1, step.now()));
    const std::size_t most = static_cast<std::size_t>(order_);
    switch (lower_order_final_ ? std::min(most, step.steps_left()) : most) {
      case 1:
        return first(step);
      case 2:
        return second(step);
      default:
        return third(step);
    }
  }

 private:
  /// The exact step to a share r of the whole one in log sigma.
  ExponentialStep part(const Step& step, double r) const {
    return {prediction_, step.from.sigma, r == 1 ? step.to.sigma : level(step, r)};
  }
  static double level(const Step& step, double r) {
    return std::pow(step.from.sigma, 1 - r) * std::pow(step.to.sigma, r);
  }
  Combination advance(const Step& step, const ExponentialStep& solver, std::vector<const Evaluation*> nodes,
                      std::vector<double> moments) const {
    return solver.combine(step.now().x.view(), nodes, moments);
  }
  Evaluation first_stage(const Step& step, double r) const {
    const ExponentialStep inner = part(step, r);
    return step.evaluate({.sigma = level(step, r)}, advance(step, inner, {&step.now()}, {inner.moment(0)}));
  }

  void first(const Step& step) const {
    const ExponentialStep whole = part(step, 1);
    step.finish(advance(step, whole, {&step.now()}, {whole.moment(0)}));
  }

  void second(const Step& step) const {
    // A step of lower order at the end has the shares of a method of its order.
    const Evaluation stage = first_stage(step, order_ == 2 ? r_ : 0.5);
    const ExponentialStep whole = part(step, 1);
    step.finish(advance(step, whole, {&step.now(), &stage}, {whole.moment(0), whole.moment(0) / 2}));
  }

  void third(const Step& step) const {
    const Evaluation stage = first_stage(step, r_);
    const ExponentialStep inner = part(step, r2_);
    const Evaluation last = step.evaluate(
        {.sigma = level(step, r2_)}, advance(step, inner, {&step.now(), &stage}, {inner.moment(0), inner.moment(1)}));
    const ExponentialStep whole = part(step, 1);
    step.finish(advance(step, whole, {&step.now(), &last}, {whole.moment(0), whole.moment(1)}));
  }

  Prediction prediction_;
  int order_;
  bool lower_order_final_;
  double r_;
  double r2_;
};

}  // namespace

std::unique_ptr<Sampler> make_dpm_singlestep(Prediction prediction, int order, const SamplerOptions& options) {
  return std::make_unique<DpmSinglestep>(prediction, order, options);
}

}  // namespace scorefield

// PNDM: classical methods with the DDIM step in place of Euler's, which in the VE frame is a step of eps in sigma.
#include "scorefield/sample/interpolation.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class Pndm final : public Sampler {
 public:
  explicit Pndm(PndmStart start) : start_(start) {}
  std::size_t memory() const override { return 4; }

  void step(const Step& step) override {
    const bool runge_kutta = start_ == PndmStart::kRungeKutta;
    // At sigma = 0 there is no second evaluation to make.
    if (step.past.size() < (runge_kutta ? 4U : 2U) && step.to.sigma > 0) {
      return runge_kutta ? fourth_order_start(step) : heun_start(step);
    }
    const std::vector<double> weights = equal_step_weights(step.past.size());
    Combination next;
    next.add_x(1, step.now());
    for (std::size_t j = 0; j < weights.size(); ++j) {
      next.add_noise(weights[j] * (step.to.sigma - step.from.sigma), step.past[j]);
    }
    step.finish(next);
  }

 private:
  /// The state that one eps leads to.
  static Combination transfer(const Step& step, double sigma, const Evaluation& e) {
    return Combination().add_x(1, step.now()).add_noise(sigma - step.from.sigma, e);
  }

  static void fourth_order_start(const Step& step) {
    const Evaluation& first = step.now();
    const TimePoint middle = point_at_time(step.process, (step.from.t + step.to.t) / 2);
    const Evaluation second = step.evaluate(middle, transfer(step, middle.sigma, first));
    const Evaluation third = step.evaluate(middle, transfer(step, middle.sigma, second));
    const Evaluation fourth = step.evaluate(step.to, transfer(step, step.to.sigma, third));
    const double h = step.to.sigma - step.from.sigma;
    Combination next;
    next.add_x(1, first).add_noise(h / 6, first).add_noise(h / 3, second).add_noise(h / 3, third);
    step.finish(next.add_noise(h / 6, fourth));
  }

  static void heun_start(const Step& step) {
    const Evaluation second = step.evaluate(step.to, transfer(step, step.to.sigma, step.now()));
    const double h = step.to.sigma - step.from.sigma;
    step.finish(Combination().add_x(1, step.now()).add_noise(h / 2, step.now()).add_noise(h / 2, second));
  }

  PndmStart start_;
};

}  // namespace

std::unique_ptr<Sampler> make_pndm(PndmStart start) {
  return std::make_unique<Pndm>(start);
}

}  // namespace scorefield

// Multistep methods in log sigma: DPM-Solver and DPM-Solver++ by their published formulas, which are not always the
// integral of the polynomial through the last answers; and DEIS, which is.
#include "scorefield/sample/exponential_step.h"
#include "scorefield/sample/multistep.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

using Moments = std::vector<double> (*)(const ExponentialStep& step, std::size_t nodes);

std::vector<double> exact(const ExponentialStep& step, std::size_t nodes) {
  std::vector<double> moments;
  for (std::size_t k = 0; k < nodes; ++k) moments.push_back(step.moment(static_cast<int>(k)));
  return moments;
}

/// "heun" in diffusers.
std::vector<double> dpm_solver_heun(const ExponentialStep& step, std::size_t nodes) {
  std::vector<double> moments = exact(step, nodes);
  // Their D2 is the second divided difference, half of the second derivative that phi_3 belongs to. So the method
  // converges with order 2 only; its third answer makes the error's constant smaller.
  if (nodes == 3) moments[2] /= 2;
  return moments;
}

std::vector<double> dpm_solver_midpoint(const ExponentialStep& step, std::size_t nodes) {
  std::vector<double> moments = dpm_solver_heun(step, nodes);
  if (nodes == 2) moments[1] = moments[0] / 2;
  return moments;
}

class LogSigmaMultistep final : public Multistep {
 public:
  LogSigmaMultistep(Prediction prediction, Moments moments, int order, const SamplerOptions& options)
      : Multistep(order, options), prediction_(prediction), moments_(moments) {}

  void step(const Step& step) override {
    if (step.to.sigma == 0) return step.finish(Combination().add_denoised(1, step.now()));
    const ExponentialStep solver(prediction_, step.from.sigma, step.to.sigma);
    std::vector<const Evaluation*> nodes;
    for (std::size_t j = 0; j < nodes_of(step); ++j) nodes.push_back(&step.past[j]);
    step.finish(solver.combine(step.now().x.view(), nodes, moments_(solver, nodes.size())));
  }

 private:
  Prediction prediction_;
  Moments moments_;
};

Moments published(const SamplerOptions& options) {
  return options.second_order == SecondOrder::kMidpoint ? dpm_solver_midpoint : dpm_solver_heun;
}

}  // namespace

std::unique_ptr<Sampler> make_dpm_multistep(Prediction prediction, int order, const SamplerOptions& options) {
  return std::make_unique<LogSigmaMultistep>(prediction, published(options), order, options);
}

std::unique_ptr<Sampler> make_deis_in_log_sigma(int order, const SamplerOptions& options) {
  return std::make_unique<LogSigmaMultistep>(Prediction::kNoise, exact, order, options);
}

}  // namespace scorefield

// Multistep methods of the probability-flow ODE: a polynomial through what the field answered at the last nodes, and
// its integral. They differ in what is interpolated, over which time, and on which nodes.
#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/sample/interpolation.h"
#include "scorefield/sample/multistep.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

class AdamsBashforth final : public Multistep {
 public:
  using Multistep::Multistep;
  bool steps_from_infinity() const override { return true; }

  void step(const Step& step) override {
    std::vector<double> times;
    for (std::size_t j = 0; j < nodes_of(step); ++j) times.push_back(step.past[j].at.t);
    const std::vector<double> weights = lagrange_integrals(times, step.from.t, step.to.t);
    Combination next;
    next.add_x(step.from.carry() / step.to.carry(), step.now());
    for (std::size_t j = 0; j < weights.size(); ++j) next.add_slope(weights[j] / step.to.carry(), step.past[j]);
    step.finish(next);
  }
};

class Ipndm final : public Multistep {
 public:
  using Multistep::Multistep;
  bool steps_from_infinity() const override { return true; }

  void step(const Step& step) override {
    const std::vector<double> weights = equal_step_weights(nodes_of(step));
    const double h = step.to.t - step.from.t;
    Combination next;
    next.add_x(step.from.carry() / step.to.carry(), step.now());
    for (std::size_t j = 0; j < weights.size(); ++j) next.add_slope(weights[j] * h / step.to.carry(), step.past[j]);
    step.finish(next);
  }
};

class Deis final : public Multistep {
 public:
  using Multistep::Multistep;

  void step(const Step& step) override {
    Combination next;
    // eps has no polynomial in time down to sigma = 0, where the time of VP ends in a root: Euler in sigma.
    if (step.to.sigma == 0) return step.finish(next.add_denoised(1, step.now()));
    const Process& process = time_axis(step);
    std::vector<double> times;
    for (std::size_t j = 0; j < nodes_of(step); ++j) times.push_back(process.time_of(step.past[j].at.sigma));
    const std::vector<double> weights = lagrange_integrals(times, times[0], process.time_of(step.to.sigma),
                                                           [&](double t) { return process.at(t).dsigma_dt; });
    next.add_x(1, step.now());
    for (std::size_t j = 0; j < weights.size(); ++j) next.add_noise(weights[j], step.past[j]);
    step.finish(next);
  }

 private:
  const Process& time_axis(const Step& step) {
    if (step.process.name() != "edm") return step.process;
    if (own_ == nullptr) {
      std::vector<double> inner(step.levels.begin(), step.levels.end());
      std::erase_if(inner, [](double sigma) { return sigma == 0 || std::isinf(sigma); });
      const auto [least, largest] = std::minmax_element(inner.begin(), inner.end());
      constexpr double kUsualLeast = 0.002;  // EDM's; a process that passes the run's least level on its way down
      own_ = make_vp_between(has_vp_between(*least, *largest) ? *least : kUsualLeast, *largest);
    }
    return *own_;
  }
  std::unique_ptr<const Process> own_;
};

}  // namespace

std::unique_ptr<Sampler> make_adams_bashforth(int order, const SamplerOptions& options) {
  return std::make_unique<AdamsBashforth>(order, options);
}

std::unique_ptr<Sampler> make_ipndm(int order, const SamplerOptions& options) {
  return std::make_unique<Ipndm>(order, options);
}

std::unique_ptr<Sampler> make_deis(int order, const SamplerOptions& options) {
  return std::make_unique<Deis>(order, options);
}

}  // namespace scorefield

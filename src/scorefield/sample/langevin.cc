// Langevin dynamics at a noise level,  x <- x + step grad log p(x) + sqrt(2 step) z: as a corrector behind another
// sampler, and by itself from level to level.
#include <fmt/format.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/sample/option_check.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

double squared_norm(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return sum;
}

/// One step at e.at.sigma with a step size of each sample's own, by Song et al. 2021 (algorithms 4 and 5):
/// 2 (snr |z| / |score|)^2.
void langevin_step_by_snr(const Evaluation& e, RowsView<const double> z, double snr, RowsView<double> out,
                          ThreadPool* pool) {
  run_tasks(pool, out.rows, [&](std::size_t i, int /*worker*/) {
    const double sigma = e.at.sigma;
    double difference = 0;  // |D - x|^2, and the score is (D - x)/sigma^2
    for (std::size_t k = 0; k < out.cols; ++k) {
      const double part = e.denoised(i, k) - e.x(i, k);
      difference += part * part;
    }
    const double aim = 2 * snr * snr * squared_norm(z[i]) * sigma * sigma;
    const double size = aim < difference ? aim / difference : 1;  // in units of sigma^2
    const double noise = sigma * std::sqrt(2 * size);
    for (std::size_t k = 0; k < out.cols; ++k) {
      out(i, k) = e.x(i, k) + size * (e.denoised(i, k) - e.x(i, k)) + noise * z(i, k);
    }
  });
}

class PredictorCorrector final : public Sampler {
 public:
  explicit PredictorCorrector(const SamplerOptions& options)
      : corrections_(options.corrector_steps), snr_(options.snr) {
    check_option("predictor-corrector", "corrector-steps", corrections_, 0, 1e6);
    check_share("predictor-corrector", "snr", snr_);
    const SamplerEntry& entry = find_sampler(options.predictor);
    if (entry.make == make_predictor_corrector || entry.make == make_langevin) {
      throw Error(
          fmt::format("predictor-corrector: {} does not predict; name another sampler, such as "
                      "reverse-diffusion",
                      entry.name));
    }
    predictor_ = entry.make(options);
    if (corrections_ > 0 && predictor_->keeps_states()) {
      throw Error(
          fmt::format("predictor-corrector: {} goes on from states of its own, which a corrector would change; "
                      "name another sampler, such as reverse-diffusion",
                      entry.name));
    }
  }

  std::size_t memory() const override { return predictor_->memory(); }
  bool steps_from_infinity() const override { return predictor_->steps_from_infinity(); }

  void step(const Step& step) override {
    predictor_->step(step);
    if (step.to.sigma == 0) return;
    for (int k = 0; k < corrections_; ++k) {
      Combination states;
      states.add(1, step.next);
      const Evaluation e = step.evaluate(step.to, states);
      const Rows z = step.noise->fresh(step.to.sigma, static_cast<std::uint64_t>(k));
      langevin_step_by_snr(e, z.view(), snr_, step.next, step.pool);
    }
  }

 private:
  std::unique_ptr<Sampler> predictor_;
  int corrections_;
  double snr_;
};

class AnnealedLangevin final : public Sampler {
 public:
  explicit AnnealedLangevin(const SamplerOptions& options)
      : steps_(options.langevin_steps), size_(options.langevin_step / 2) {
    check_option("langevin", "langevin-steps", steps_, 1, 1e6);
    check_option("langevin", "langevin-step", options.langevin_step, 0, 2);
  }

  void step(const Step& step) override {
    const double sigma = step.from.sigma;
    const Evaluation* e = &step.now();
    Evaluation later;
    for (int k = 0; k < steps_; ++k) {
      Combination states;
      const bool last = k + 1 == steps_;
      if (last && step.to.sigma == 0) return step.finish(states.add_denoised(1, *e));
      const Rows z = step.noise->fresh(sigma, static_cast<std::uint64_t>(k));
      states.add_x(1 - size_, *e).add_denoised(size_, *e).add(sigma * std::sqrt(2 * size_), z.view());
      if (last) return step.finish(states);
      later = step.evaluate(step.from, states);
      e = &later;
    }
  }

 private:
  int steps_;
  double size_;  // in units of sigma^2
};

}  // namespace

std::unique_ptr<Sampler> make_predictor_corrector(const SamplerOptions& options) {
  return std::make_unique<PredictorCorrector>(options);
}

std::unique_ptr<Sampler> make_langevin(const SamplerOptions& options) {
  return std::make_unique<AnnealedLangevin>(options);
}

}  // namespace scorefield

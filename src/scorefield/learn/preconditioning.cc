#include "scorefield/learn/preconditioning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"

namespace scorefield {
namespace {

double noise_label(double sigma) {
  constexpr double kMost = 3;
  return std::clamp(std::log(sigma) / 4, -kMost, kMost);
}

/// 1/sqrt(sigma^2 + sigma_data^2): an input of unit variance; at sigma = inf it is unit noise already.
double input_scale(double sigma, double sigma_data) {
  return std::isinf(sigma) ? 1 : 1 / std::hypot(sigma, sigma_data);
}

class EdmPreconditioner final : public Preconditioner {
 public:
  explicit EdmPreconditioner(double sigma_data) : sigma_data_(sigma_data) {}

  Preconditioning at(double sigma) const override {
    const double in = input_scale(sigma, sigma_data_);
    if (std::isinf(sigma)) return {0, sigma_data_, in, noise_label(sigma)};
    const double data_share = sigma_data_ * in;
    return {data_share * data_share, sigma * data_share, in, noise_label(sigma)};
  }

 private:
  double sigma_data_;
};

/// The plain prediction of a process: D = s (x_t + ...) by the linear conversions of the two.
class PlainPreconditioner final : public Preconditioner {
 public:
  PlainPreconditioner(Prediction prediction, std::unique_ptr<const Process> process, double sigma_data)
      : prediction_(prediction), process_(std::move(process)), sigma_data_(sigma_data) {}

  Preconditioning at(double sigma) const override {
    const Marginal law = process_->at(process_->time_of(sigma));
    const Conversion to_denoised(prediction_, Prediction::kDenoised, law);
    const double state = std::isinf(sigma) ? law.noise : law.scale;  // x_t = state * y
    return {to_denoised(state, 0), to_denoised(0, 1), input_scale(sigma, sigma_data_), noise_label(sigma)};
  }

 private:
  Prediction prediction_;
  std::unique_ptr<const Process> process_;
  double sigma_data_;
};

}  // namespace

std::vector<std::string> target_names() {
  return {"edm", "denoised", "noise", "v", "score", "velocity"};
}

std::string target_name(std::string_view spelling) {
  if (spelling == "x0") return "denoised";
  if (spelling == "eps" || spelling == "epsilon") return "noise";
  if (spelling == "v_prediction") return "v";
  if (spelling == "flow") return "velocity";
  const std::vector<std::string> names = target_names();
  if (std::ranges::find(names, spelling) == names.end()) throw Error(unknown_name("prediction", spelling, names));
  return std::string(spelling);
}

Prediction prediction_of(std::string_view target) {
  if (target == "denoised") return Prediction::kDenoised;
  if (target == "noise") return Prediction::kNoise;
  if (target == "v") return Prediction::kV;
  if (target == "score") return Prediction::kScore;
  ensure(target == "velocity", "a target that is a plain prediction");
  return Prediction::kVelocity;
}

SigmaRange sigma_range(const Target& target) {
  if (target_name(target.predicts) == "edm") return {0, std::numeric_limits<double>::infinity()};
  const std::unique_ptr<const Process> process = make_process(target.process);
  return {process->at(process->t_min()).sigma, process->at(process->t_max()).sigma};
}

std::unique_ptr<const Preconditioner> make_preconditioner(const Target& target) {
  if (!(target.sigma_data > 0) || !std::isfinite(target.sigma_data)) {
    throw Error(fmt::format("sigma_data must be finite and above 0, got {}", target.sigma_data));
  }
  const std::string predicts = target_name(target.predicts);
  if (predicts == "edm") return std::make_unique<EdmPreconditioner>(target.sigma_data);
  return std::make_unique<PlainPreconditioner>(prediction_of(predicts), make_process(target.process),
                                               target.sigma_data);
}

}  // namespace scorefield

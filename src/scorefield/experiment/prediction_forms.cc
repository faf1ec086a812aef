#include "scorefield/experiment/prediction_forms.h"

#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {

const char* prediction_name(Prediction prediction) {
  switch (prediction) {
    case Prediction::kDenoised:
      return "denoised";
    case Prediction::kNoise:
      return "noise";
    case Prediction::kV:
      return "v";
    case Prediction::kScore:
      return "score";
    case Prediction::kVelocity:
      return "velocity";
  }
  throw_bug("a known prediction", __FILE__, __LINE__);
}

double target(Prediction prediction, const Marginal& at, double clean, double noise) {
  switch (prediction) {
    case Prediction::kDenoised:
      return clean;
    case Prediction::kNoise:
      return noise;
    case Prediction::kV:
      return (noise - at.sigma * clean) / std::hypot(1, at.sigma);
    case Prediction::kScore:
      return -noise / at.noise;
    case Prediction::kVelocity:
      return at.dscale_dt * clean + at.dnoise_dt * noise;
  }
  throw_bug("a known prediction", __FILE__, __LINE__);
}

ReverseStep::ReverseStep(const Marginal& to, const Marginal& from)
    : to_(to),
      from_(from),
      ratio_(from.scale / to.scale),
      added_(from.scale * from.scale * (from.sigma - to.sigma) * (from.sigma + to.sigma)),
      variance_(added_ * std::pow(to.noise / from.noise, 2)) {}

double ReverseStep::mean(Prediction prediction, double x, double predicted) const {
  const double a = from_.scale;
  const double b = from_.noise;
  switch (prediction) {
    case Prediction::kDenoised:
      return (ratio_ * to_.noise * to_.noise * x + to_.scale * added_ * predicted) / (b * b);
    case Prediction::kNoise:
      return (x - added_ / b * predicted) / ratio_;
    case Prediction::kScore:
      return (x + added_ * predicted) / ratio_;
    case Prediction::kV: {
      const double length = std::hypot(a, b);  // x/length and v are (x_0, n) turned by an angle
      return mean(Prediction::kDenoised, x, (a * x / length - b * predicted) / length);
    }
    case Prediction::kVelocity: {
      const double determinant = a * from_.dnoise_dt - b * from_.dscale_dt;
      return mean(Prediction::kDenoised, x, (from_.dnoise_dt * x - b * predicted) / determinant);
    }
  }
  throw_bug("a known prediction", __FILE__, __LINE__);
}

double loss_weight(Prediction prediction, const Marginal& to, const Marginal& from) {
  const auto snr = [](const Marginal& at) { return std::pow(at.scale / at.noise, 2); };
  const double gain = (snr(to) - snr(from)) / 2;
  switch (prediction) {
    case Prediction::kDenoised:
      return gain;
    case Prediction::kNoise:
      return (snr(to) / snr(from) - 1) / 2;
    case Prediction::kV:
      return gain / (1 + snr(from));
    case Prediction::kScore:
      return gain * std::pow(from.noise, 4) / std::pow(from.scale, 2);
    case Prediction::kVelocity:
      return gain / std::pow(from.dscale_dt - from.dnoise_dt * from.scale / from.noise, 2);
  }
  throw_bug("a known prediction", __FILE__, __LINE__);
}

}  // namespace scorefield

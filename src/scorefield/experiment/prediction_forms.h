// One step of the reverse process in the forms that the predictions give it (docs/theory/parametrisations.md).
#pragma once

#include <array>

#include "scorefield/process/parametrisation.h"

namespace scorefield {

inline constexpr std::array kPredictions = {Prediction::kDenoised, Prediction::kNoise, Prediction::kScore,
                                            Prediction::kV, Prediction::kVelocity};

/// As target_names() spells it: "denoised", "noise", "score", "v", "velocity".
const char* prediction_name(Prediction prediction);

/// What it is of a known x_0 and noise n, a value: x_0, n, -n/b, (n - sigma x_0)/sqrt(1 + sigma^2), s' x_0 + b' n.
double target(Prediction prediction, const Marginal& at, double clean, double noise);

/// q(x_s | x_t, x_0) of x_t = a_t x_0 + b_t n, in the process's own coordinates: from `from` (t) to less noise, `to`
/// (s).
class ReverseStep {
 public:
  ReverseStep(const Marginal& to, const Marginal& from);

  double variance() const { return variance_; }
  /// Of one value, by that prediction's own formula (Luo 2022, eq. 93, 115 and 133, with 1 - alpha_t = b_t^2 -
  /// (a_t/a_s)^2 b_s^2 in any process). v and velocity: x_0 from two equations, x = a x_0 + b n and the prediction.
  double mean(Prediction prediction, double x, double predicted) const;
  /// KL of two Gaussians with this variance, of one value; nats.
  double divergence(double mean_q, double mean_p) const {
    return (mean_q - mean_p) * (mean_q - mean_p) / (2 * variance_);
  }

 private:
  Marginal to_;
  Marginal from_;
  double ratio_;  // a_t/a_s
  double added_;  // b_t^2 - ratio^2 b_s^2
  double variance_;
};

/// The weight with which |predicted - target|^2 is the KL of the step: of x_0 (SNR(s) - SNR(t))/2 (Luo 2022, eq. 110),
/// of the others that over the square of their slope in x_0 at a fixed x_t.
double loss_weight(Prediction prediction, const Marginal& to, const Marginal& from);

}  // namespace scorefield

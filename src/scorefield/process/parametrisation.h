// What a network may predict, and the conversions between them (docs/theory/processes.md).
#pragma once

#include <span>

#include "scorefield/process/process.h"

namespace scorefield {

/// With x = s D + b eps, where b = s sigma is the noise of the Marginal:
enum class Prediction {
  kDenoised,  // D = E[x_0 | x]
  kNoise,     // eps = E[n | x]
  kV,         // (eps - sigma D)/sqrt(1 + sigma^2); s eps - b D where s^2 + b^2 = 1 (Salimans and Ho 2022)
  kScore,     // grad log p(x) = -eps/b, of the law of x in the coordinates that the Marginal describes
  kVelocity,  // ds/dt D + db/dt eps: dx/dt of the probability-flow ODE; n - x_0 for rectified flow, eps in the VE frame
};

/// From one prediction to another at one time. The Marginal chooses the coordinates: process.at(t) for the process's
/// own x_t, ve_frame(sigma) for x = x_t/s (unit noise at sigma = inf).
class Conversion {
 public:
  /// Throws Error where `from` does not determine `to`: eps and score say nothing about D at sigma = inf, D says
  /// nothing about eps at sigma = 0, and a velocity with an infinite derivative says nothing at all.
  Conversion(Prediction from, Prediction to, const Marginal& at);

  /// One value of one state. The relative error is a few roundings of the largest term: x itself cancels only where the
  /// answer is a difference by nature (eps = (x - D)/sigma), and there the difference is taken before it is scaled.
  double operator()(double x, double value) const {
    return from_x_ == 0 ? from_value_ * value : from_x_ * (x + ratio_ * value);
  }
  /// A row: x, value, out all [d]; out may be value or x.
  void apply(std::span<const double> x, std::span<const double> value, std::span<double> out) const;

 private:
  double from_x_ = 0;  // out = from_x (x + ratio value)
  double ratio_ = 0;
  double from_value_ = 1;  // out = from_value value where from_x = 0
};

}  // namespace scorefield

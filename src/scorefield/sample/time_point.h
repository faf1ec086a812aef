// A noise level and its place on the time axis of the process that a sampler steps in.
#pragma once

#include <cmath>

#include "scorefield/process/process.h"

namespace scorefield {

/// Methods that refer to a time step in the process's own state u = s(t) x0 + b(t) n, where x = u/s is the state of the
/// VE frame (and unit noise, u/b, at sigma = inf): one tableau, another right-hand side. Everything they need is linear
/// in x and D:
///   u = carry x,     du/dt = slope_x x + slope_denoised D      (the probability-flow ODE; Karras et al. 2022, eq. 81)
struct TimePoint {
  double sigma = 0;
  double t = 0;
  Marginal law;

  double carry() const { return std::isinf(sigma) ? law.noise : law.scale; }
  /// du/dt = ds/dt D + db/dt eps, and eps = (x - D)/sigma, but x itself at sigma = inf.
  double slope_x() const {
    return std::isinf(sigma) ? law.dnoise_dt : law.dscale_dt + law.scale * law.dsigma_dt / sigma;
  }
  double slope_denoised() const { return std::isinf(sigma) ? law.dscale_dt : -law.scale * law.dsigma_dt / sigma; }
};

inline TimePoint point_at_time(const Process& process, double t) {
  const Marginal law = process.at(t);
  return {.sigma = law.sigma, .t = t, .law = law};
}

/// Throws Error when the process has no such noise level.
inline TimePoint point_at_sigma(const Process& process, double sigma) {
  const double t = process.time_of(sigma);
  return {.sigma = sigma, .t = t, .law = process.at(t)};
}

}  // namespace scorefield

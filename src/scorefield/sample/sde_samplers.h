// Samplers of the reverse SDE  dx = 2 (x - D)/sigma dsigma + sqrt(2 sigma) dW  (VE frame, sigma running down).
#pragma once

#include "scorefield/sample/sampler.h"

namespace scorefield {

/// The exact posterior q(x_r | x_t, x_0 = D): the bridge step with the mean frozen at D, which is DDPM's ancestral step
/// with the small variance (Ho et al. 2020, eq. 7). In the VE frame
///   x_r = D + (r/t)^2 (x - D) + r sqrt(1 - (r/t)^2) z.
/// Exact for a single datum at any step size.
const Sampler& posterior_sampler();

/// Euler-Maruyama in the time of the given process; a last step to sigma = 0 returns D (no noise is left to add).
const Sampler& euler_maruyama_sampler();

}  // namespace scorefield

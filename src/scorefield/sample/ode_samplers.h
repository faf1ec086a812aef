// Solvers of the probability-flow ODE  dx/dsigma = (x - D)/sigma  (Karras et al. 2022, eq. 1 with s = 1).
#pragma once

#include "scorefield/sample/sampler.h"

namespace scorefield {

/// Explicit Euler; in sigma it is DDIM (Song et al. 2021, eq. 12 with eta = 0).
const Sampler& euler_sampler();
/// Heun's method, Euler in a last step to 0 (Karras et al. 2022, algorithm 1).
const Sampler& heun_sampler();

}  // namespace scorefield

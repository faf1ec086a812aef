// How ancestral samplers split a step between an ODE step and noise.
#pragma once

#include <algorithm>
#include <cmath>

namespace scorefield {

/// The ODE goes from sigma_from to `down`, and noise of standard deviation `up` leads back to sigma_to:
/// down^2 + up^2 = sigma_to^2. Noise levels of the VE frame, data units.
struct AncestralSplit {
  double down = 0;
  double up = 0;
};

/// up = eta times the standard deviation of the posterior q(x_to | x_from, x_0), at most sigma_to: DDIM's variance
/// (Song et al. 2021, "Denoising diffusion implicit models", eq. 16), in which alpha-bar cancels in the VE frame, and
/// k-diffusion's get_ancestral_step().
inline AncestralSplit split_ancestral(double sigma_from, double sigma_to, double eta) {
  const double ratio = sigma_to / sigma_from;
  // Neither root loses digits: 1 - q^2 in short steps, 1 - eta^2 (1 - q^2) in long ones.
  const double up = eta * std::sqrt((1 - ratio) * (1 + ratio));
  const double down_squared = (1 - eta) * (1 + eta) + eta * ratio * eta * ratio;
  return {.down = sigma_to * std::sqrt(std::max(0.0, down_squared)), .up = sigma_to * std::min(1.0, up)};
}

}  // namespace scorefield

// A sampler's step seen as a linear map, in a process's own coordinates.
#pragma once

#include "scorefield/process/process.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {

/// u(to) = state u(from) + denoised D + noise z, with u = s x and z unit noise.
struct LinearStep {
  double state = 0;
  double denoised = 0;
  double noise = 0;
};

/// The step from t_from down to t_to of a sampler that asks for D at its first point only. Exact up to rounding: the
/// sampler itself steps three unit vectors. Throws Bug for other samplers, Error for options out of range.
LinearStep linear_step(const SamplerEntry& sampler, const Process& process, double t_from, double t_to,
                       const SamplerOptions& options = {});

}  // namespace scorefield

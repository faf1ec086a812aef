// The mixture on which claims about sampling trajectories are measured.
#pragma once

#include <string_view>

#include "scorefield/field/mixture.h"

namespace scorefield {

/// The exact field of the law that a synthetic data set is drawn from (data/synthetic.h), with its labels.
/// Throws Error for a set that is no mixture of Gaussians.
GaussianMixture mixture_field(std::string_view spec, const Context& context);

/// 10 components of rank 8 in 64 dimensions: the mixture of docs/theory/samplers.md's tables.
inline constexpr std::string_view kTrajectoryMixture = "mixture:d=64,modes=10,rank=8";

}  // namespace scorefield

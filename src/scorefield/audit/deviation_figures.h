// The distances between a model and the exact field, as figures.
#pragma once

#include <span>

#include "scorefield/audit/deviation.h"
#include "scorefield/run/figure.h"

namespace scorefield {

/// One panel, noise level against the three distances of NoisedDeviation; bars are standard errors.
Figure noised_deviation_figure(std::span<const NoisedDeviation> levels);

/// Two by two, noise level against the four distances of TrajectoryDeviation; bars are standard errors.
Figure trajectory_deviation_figure(std::span<const TrajectoryDeviation> levels);

}  // namespace scorefield

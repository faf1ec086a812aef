// How far a model is from the exact field, for a terminal.
#pragma once

#include <span>
#include <string>

#include "scorefield/audit/deviation.h"

namespace scorefield {

/// A table of the noise levels and a few sentences; the last line ended. radius: of the data, in data units.
std::string deviation_text(std::span<const NoisedDeviation> noised, const TrajectoryDeviations& runs, double radius);

}  // namespace scorefield

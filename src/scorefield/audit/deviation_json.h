// The distances between a model and the exact field, for machines.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "scorefield/audit/deviation.h"

namespace scorefield {

/// {"noised": [{"sigma", "apart": {"value", "standard_error"}, "model_error", "exact_error"}, ...],
///  "trajectories": {"levels": [{"sigma", "states", "denoised", "on_model", "on_exact"}, ...], "ends"}}.
/// A sigma of inf is null.
nlohmann::json deviation_json(std::span<const NoisedDeviation> noised, const TrajectoryDeviations& runs);

}  // namespace scorefield

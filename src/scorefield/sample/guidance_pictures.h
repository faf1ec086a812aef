// What a sweep over guidance scales leaves in its run folder.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "scorefield/run/figure.h"
#include "scorefield/sample/guidance_sweep.h"

namespace scorefield {

/// Everything but the samples.
nlohmann::json guidance_json(const GuidanceReport& report);

/// Purity, spread, modes and total variation against the scale.
Figure guidance_curves(const GuidanceReport& report);
/// The plane: samples of every scale, over the tilted density where there is one.
Figure guidance_scatter(const GuidanceReport& report);

/// report.json; samples.npz (x [S, N, d] float64, data units; scale [S]; seeds [N]); the figure curves; of points in
/// the plane the figure samples, of pictures strip.png: a row a scale, the same seeds in every row.
void write_guidance(const GuidanceSweep& sweep, const GuidanceReport& report, const std::filesystem::path& folder);

}  // namespace scorefield

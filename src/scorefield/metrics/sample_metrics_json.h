// The metrics of samples for machines.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "scorefield/metrics/sample_metrics.h"

namespace scorefield {

/// {"features", "rows", ..., "sets": {"samples": {KEY: {"value", "standard_error"}, ...}, "data", "gaussian"}}, KEY
/// from metric_entries(). Numbers that are not finite are null.
nlohmann::json sample_metrics_json(const SampleMetrics& metrics);

}  // namespace scorefield

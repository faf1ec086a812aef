// The metrics of samples as a table for people.
#pragma once

#include <string>

#include "scorefield/metrics/sample_metrics.h"

namespace scorefield {

std::string sample_metrics_text(const SampleMetrics& metrics, const Dataset& data);

}  // namespace scorefield

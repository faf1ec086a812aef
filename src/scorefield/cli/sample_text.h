// What `scorefield sample` prints.
#pragma once

#include <string>

#include "scorefield/sample/sampling_run.h"

namespace scorefield {

/// Where the run starts, and what that costs.
std::string start_text(const SamplingRun& run);

/// A warning where the start costs much; empty otherwise.
std::string start_warning(const SamplingRun& run);

/// The table of the noise levels and the verdict.
std::string report_text(const SamplingRun& run, const SamplingReport& report);

}  // namespace scorefield

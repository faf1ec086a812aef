// A description for a terminal.
#pragma once

#include <string>

#include "scorefield/metrics/description.h"

namespace scorefield {

/// Several lines, the last ended. held_out: as describe() was given it.
std::string description_text(const Dataset& data, const Dataset* held_out, const DataDescription& description);

}  // namespace scorefield

// A description for machines.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "scorefield/metrics/description.h"

namespace scorefield {

/// What a data set is: name, rows, shape, stored type, bytes, the map to data units, notes, digest.
nlohmann::json dataset_json(const Dataset& data);

/// Distances in data units. Numbers that are not finite (a standard error from one value) are null.
nlohmann::json description_json(const DataDescription& description);

}  // namespace scorefield

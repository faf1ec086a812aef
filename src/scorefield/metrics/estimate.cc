#include "scorefield/metrics/estimate.h"

#include <nlohmann/json.hpp>

namespace scorefield {

void to_json(nlohmann::json& json, const Estimate& estimate) {
  json = {{"value", estimate.value}, {"standard_error", estimate.standard_error}};
}

}  // namespace scorefield

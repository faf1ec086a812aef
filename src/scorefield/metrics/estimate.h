// A figure with its standard error.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace scorefield {

/// What moves the value is said where it is computed: the drawing of rows, of directions, of seeds. NaN: unknown.
struct Estimate {
  double value = 0.0;
  double standard_error = 0.0;
};

/// {"value": ..., "standard_error": ...}; written out, a number that is not finite becomes null.
void to_json(nlohmann::json& json, const Estimate& estimate);

}  // namespace scorefield

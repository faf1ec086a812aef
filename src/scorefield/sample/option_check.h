// How the makers of samplers refuse an option.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string_view>

#include "scorefield/base/error.h"

namespace scorefield {

/// Throws Error unless `value` is a number in [least, most].
inline void check_option(std::string_view sampler, std::string_view option, double value, double least,
                         double most = std::numeric_limits<double>::max()) {
  if (value >= least && value <= most) return;
  if (most == std::numeric_limits<double>::max()) {
    throw Error(fmt::format("{}: {} must be a number of at least {}, got {}", sampler, option, least, value));
  }
  throw Error(fmt::format("{}: {} must lie between {} and {}, got {}", sampler, option, least, most, value));
}

/// The same for a share of a step, in (0, 1].
inline void check_share(std::string_view sampler, std::string_view option, double value) {
  if (value > 0 && value <= 1) return;
  throw Error(fmt::format("{}: {} must be above 0 and at most 1, got {}", sampler, option, value));
}

}  // namespace scorefield

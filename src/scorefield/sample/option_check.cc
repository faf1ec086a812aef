#include "scorefield/sample/option_check.h"

#include <fmt/format.h>

#include "scorefield/base/error.h"

namespace scorefield {

void check_option(std::string_view sampler, std::string_view option, double value, double least, double most) {
  if (value >= least && value <= most) return;
  if (most == std::numeric_limits<double>::max()) {
    throw Error(fmt::format("{}: {} must be a finite number of at least {}, got {}", sampler, option, least, value));
  }
  throw Error(fmt::format("{}: {} must lie between {} and {}, got {}", sampler, option, least, most, value));
}

void check_share(std::string_view sampler, std::string_view option, double value) {
  if (value > 0 && value <= 1) return;
  throw Error(fmt::format("{}: {} must be above 0 and at most 1, got {}", sampler, option, value));
}

}  // namespace scorefield

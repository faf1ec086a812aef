// How the makers of samplers refuse an option.
#pragma once

#include <limits>
#include <string_view>

namespace scorefield {

/// Throws Error unless `value` is a finite number in [least, most].
void check_option(std::string_view sampler, std::string_view option, double value, double least,
                  double most = std::numeric_limits<double>::max());

/// The same for a share of a step, in (0, 1].
void check_share(std::string_view sampler, std::string_view option, double value);

}  // namespace scorefield

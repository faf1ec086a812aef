// The version of the library, as configs and `--version` name it.
#pragma once

#include <string_view>

namespace scorefield {

std::string_view version();

}  // namespace scorefield

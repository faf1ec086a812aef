#include "scorefield/base/version.h"

namespace scorefield {

std::string_view version() {
  return SCOREFIELD_VERSION;
}

}  // namespace scorefield

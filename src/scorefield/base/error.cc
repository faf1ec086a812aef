#include "scorefield/base/error.h"

#include <fmt/format.h>

namespace scorefield {

void throw_bug(const char* expectation, const char* file, int line) {
  throw Bug(fmt::format("{}:{}: expected: {}", file, line, expectation));
}

}  // namespace scorefield

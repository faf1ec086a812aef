#include "scorefield/base/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "scorefield/base/error.h"

namespace scorefield {

namespace {

/// In the largest unit of which there is at least one, to a tenth. What is needed is rounded up and what is allowed
/// down, so that the two never look the same.
std::string amount(std::size_t bytes, bool round_up) {
  constexpr std::array kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && bytes >> (10 * (unit + 1)) > 0) ++unit;
  const std::size_t size = std::size_t{1} << (10 * unit);
  const std::size_t tenths = bytes / size * 10 + (bytes % size * 10 + (round_up ? size - 1 : 0)) / size;
  return tenths % 10 == 0 ? fmt::format("{} {}", tenths / 10, kUnits[unit])
                          : fmt::format("{}.{} {}", tenths / 10, tenths % 10, kUnits[unit]);
}

}  // namespace

void Context::check_cancelled() const {
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) throw Cancelled();
}

void Context::check_memory(std::size_t bytes, std::string_view what) const {
  if (bytes > memory_limit) {
    throw Error(fmt::format("{} needs {}, over the memory limit of {}; raise --memory-limit or use less data", what,
                            amount(bytes, true), amount(memory_limit, false)));
  }
}

Context Context::without(std::size_t bytes) const {
  Context rest = *this;
  rest.memory_limit -= std::min(bytes, memory_limit);
  return rest;
}

void Context::check_memory(std::size_t count, std::size_t bytes_each, std::string_view what) const {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  if (bytes_each == 0) return;
  if (count <= kMost / bytes_each) return check_memory(count * bytes_each, what);
  throw Error(
      fmt::format("{} needs {} times {} bytes, more than any machine has; use less data", what, count, bytes_each));
}

}  // namespace scorefield

#include "scorefield/base/context.h"

#include <fmt/format.h>

#include "scorefield/base/error.h"

namespace scorefield {

void Context::check_cancelled() const {
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) throw Cancelled();
}

void Context::check_memory(std::size_t bytes, std::string_view what) const {
  if (bytes > memory_limit) {
    throw Error(fmt::format("{} needs {} MiB, over the memory limit of {} MiB; raise --memory-limit or use less data",
                            what, (bytes >> 20) + 1, memory_limit >> 20));
  }
}

}  // namespace scorefield

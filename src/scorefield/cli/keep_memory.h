// Memory of a program that takes and gives back the same megabytes again and again.
#pragma once

#include <malloc.h>

namespace scorefield {

/// Lets malloc keep freed blocks up to 32 MiB: handed back to the system, every page costs a fault when it is taken
/// again (2 % of an evaluation of 256 states). For programs, at their start; a library leaves such choices to them.
inline void keep_freed_memory() {
  constexpr int kLargestKept = 32 << 20;  // glibc's own limit for M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, kLargestKept);
  mallopt(M_TRIM_THRESHOLD, 8 * kLargestKept);
}

}  // namespace scorefield

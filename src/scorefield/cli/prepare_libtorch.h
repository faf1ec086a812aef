// What LibTorch and its libraries read from the environment when they are opened.
#pragma once

#include <cstdlib>

namespace scorefield {

/// For programs, at their start; what the user has set stays. The threads that call LibTorch are ours, so OpenBLAS
/// needs none of its own and OpenMP's need not spin; LibTorch takes AVX2 for its own loops where it is not told to take
/// AVX-512, and does not ask whether the processor has it.
inline void prepare_libtorch() {
  constexpr int kKeep = 0;
  setenv("OPENBLAS_NUM_THREADS", "1", kKeep);
  setenv("OMP_WAIT_POLICY", "passive", kKeep);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
    setenv("ATEN_CPU_CAPABILITY", "avx512", kKeep);
  }
#endif
}

}  // namespace scorefield

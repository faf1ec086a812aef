// A mixture that is small enough to search in a test.
#pragma once

#include <numeric>
#include <vector>

#include "scorefield/field/synthetic_law.h"
#include "scorefield/search/schedule_problem.h"

namespace scorefield {

inline const GaussianMixture& small_mixture() {
  static const GaussianMixture field =
      synthetic_law(make_synthetic("mixture:d=6,modes=4,rank=2,spread=0.4,sd=0.2,noise=0.02", {}).truth);
  return field;
}

inline ScheduleProblem small_problem(const char* solver, bool end_at_zero = false) {
  const SamplerEntry& entry = find_sampler(solver);
  return {.sampling = {.field = small_mixture(), .sampler = entry, .levels = {}},
          .sigma_max = 20,
          .sigma_min = 0.01,
          .end_at_zero = end_at_zero};
}

inline std::vector<std::uint64_t> first_seeds(std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

}  // namespace scorefield

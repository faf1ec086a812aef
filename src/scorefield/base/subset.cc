#include "scorefield/base/subset.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "scorefield/base/random.h"

namespace scorefield {

std::vector<std::size_t> random_subset(std::uint64_t seed, std::size_t population, std::size_t count) {
  std::vector<std::size_t> chosen;
  if (count >= population) {
    chosen.resize(population);
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    return chosen;
  }
  chosen.reserve(count);
  const RandomStream stream(seed, Purpose::kSubset);
  std::unordered_set<std::size_t> seen;
  for (std::size_t last = population - count; last < population; ++last) {
    const std::size_t drawn = stream.below(last, last + 1);
    // `last` itself cannot have been chosen before; taking it in place of a repeat keeps the draw uniform.
    const std::size_t row = seen.insert(drawn).second ? drawn : last;
    seen.insert(row);
    chosen.push_back(row);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace scorefield

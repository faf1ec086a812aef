// Random subsets of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scorefield {

/// min(count, population) distinct numbers below `population`, ascending; every subset is equally likely. A function of
/// its arguments alone (RandomStream, Purpose::kSubset). Memory: O(count). R. Floyd's algorithm (Bentley & Floyd 1987).
std::vector<std::size_t> random_subset(std::uint64_t seed, std::size_t population, std::size_t count);

}  // namespace scorefield

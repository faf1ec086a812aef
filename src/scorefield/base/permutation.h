// Random orders of rows, one row at a time: no table, and no order of asking.
#pragma once

#include <cstdint>

namespace scorefield {

/// Where `index` goes in random order number `order` of [0, size): for each order a permutation, drawn as a Feistel
/// network whose values outside are sent round again (Black and Rogaway 2002, "cycle walking"). A function of its
/// arguments alone (RandomStream, Purpose::kSubset). index < size <= 2^62, order < 2^62.
std::uint64_t permuted(std::uint64_t seed, std::uint64_t order, std::uint64_t size, std::uint64_t index);

}  // namespace scorefield

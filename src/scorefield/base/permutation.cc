#include "scorefield/base/permutation.h"

#include <algorithm>
#include <bit>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {

std::uint64_t permuted(std::uint64_t seed, std::uint64_t order, std::uint64_t size, std::uint64_t index) {
  constexpr std::uint64_t kRounds = 8;
  constexpr std::uint64_t kOrders = std::uint64_t{1} << 62;  // random_subset() has node 0
  ensure(index < size && size <= kOrders && order < kOrders, "index < size");
  const int half = std::max(1, (static_cast<int>(std::bit_width(size - 1)) + 1) / 2);  // bits; 4^half < 4 size
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  const RandomStream stream(seed, Purpose::kSubset, kOrders + order);
  do {
    std::uint64_t left = index >> half;
    std::uint64_t right = index & mask;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const std::uint64_t next = left ^ (stream.bits(round << 40 | right) & mask);
      left = right;
      right = next;
    }
    index = left << half | right;
  } while (index >= size);
  return index;
}

}  // namespace scorefield

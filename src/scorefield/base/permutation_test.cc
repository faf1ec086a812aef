#include "scorefield/base/permutation.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace scorefield {
namespace {

TEST(Permutation, IsOneForEverySizeAndOrder) {
  for (const std::uint64_t size : {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 4097}) {
    for (const std::uint64_t order : {0, 1, 99}) {
      std::set<std::uint64_t> seen;
      for (std::uint64_t i = 0; i < size; ++i) {
        const std::uint64_t to = permuted(3, order, size, i);
        EXPECT_LT(to, size);
        seen.insert(to);
      }
      EXPECT_EQ(seen.size(), size);
    }
  }
}

TEST(Permutation, LargeSizesStayInside) {
  const std::uint64_t size = (std::uint64_t{1} << 62) - 1;
  EXPECT_LT(permuted(1, 2, size, size - 1), size);
}

TEST(Permutation, EveryPairOfPlacesIsEquallyLikely) {
  // Where 0 and 1 go in 20000 orders of 5: 20 pairs, each expected 1000 times. Chi-square of 19 has mean 19 and
  // deviation 6.2; 60 is beyond six deviations.
  for (const std::uint64_t seed : {1, 2}) {
    constexpr double kOrders = 20000;
    std::vector<double> counts(25);
    for (std::uint64_t order = 0; order < static_cast<std::uint64_t>(kOrders); ++order) {
      ++counts[5 * permuted(seed, order, 5, 0) + permuted(seed, order, 5, 1)];
    }
    double chi_square = 0;
    for (std::size_t k = 0; k < 25; ++k) {
      if (k % 6 == 0) {
        EXPECT_EQ(counts[k], 0);
      } else {
        chi_square += (counts[k] - kOrders / 20) * (counts[k] - kOrders / 20) / (kOrders / 20);
      }
    }
    EXPECT_LT(chi_square, 60);
  }
}

TEST(Permutation, SeedsAndOrdersDiffer) {
  int same_order = 0;
  int same_seed = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same_order += permuted(1, 0, 1000, i) == permuted(1, 1, 1000, i) ? 1 : 0;
    same_seed += permuted(1, 0, 1000, i) == permuted(2, 0, 1000, i) ? 1 : 0;
  }
  // Fixed points of a random permutation: one on average, Poisson; ten is beyond 1e-7.
  EXPECT_LT(same_order, 10);
  EXPECT_LT(same_seed, 10);
}

}  // namespace
}  // namespace scorefield

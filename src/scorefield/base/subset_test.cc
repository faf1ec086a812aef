#include "scorefield/base/subset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace scorefield {
namespace {

TEST(RandomSubset, EverySubsetIsEquallyLikely) {
  std::map<std::vector<std::size_t>, int> counts;
  constexpr int kDraws = 20000;
  for (int seed = 0; seed < kDraws; ++seed) ++counts[random_subset(seed, 6, 3)];
  ASSERT_EQ(counts.size(), 20U);  // 6 choose 3
  const double expected = kDraws / 20.0;
  for (const auto& [subset, count] : counts) {
    EXPECT_TRUE(std::is_sorted(subset.begin(), subset.end()));
    EXPECT_EQ(std::adjacent_find(subset.begin(), subset.end()), subset.end());
    EXPECT_NEAR(count, expected, 5 * std::sqrt(expected));  // five standard deviations of a binomial count
  }
}

TEST(RandomSubset, AskingForAllOrMoreGivesEveryRow) {
  EXPECT_EQ(random_subset(1, 3, 3), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(random_subset(1, 3, 9), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_TRUE(random_subset(1, 3, 0).empty());
  EXPECT_TRUE(random_subset(1, 0, 5).empty());
}

}  // namespace
}  // namespace scorefield

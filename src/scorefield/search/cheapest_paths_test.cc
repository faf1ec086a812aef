#include "scorefield/search/cheapest_paths.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

CostMatrix random_costs(std::size_t n, std::uint64_t seed) {
  CostMatrix costs;
  costs.values.resize(n * n);
  for (std::size_t i = 0; i < n; ++i) costs.levels.push_back(static_cast<double>(n - i));
  const RandomStream random(seed, Purpose::kDataChoice);
  for (std::size_t i = 0; i < n; ++i) {
    // Costs of the deviation metric may be below 0.
    for (std::size_t j = i + 1; j < n; ++j) costs.values[i * n + j] = random.uniform(i * n + j) - 0.2;
  }
  return costs;
}

double cost_of(const CostMatrix& costs, const std::vector<std::size_t>& path, double coefficient) {
  double sum = 0;
  for (std::size_t m = 0; m + 1 < path.size(); ++m) {
    sum += std::pow(coefficient, static_cast<double>(m)) * costs(path[m], path[m + 1]);
  }
  return sum;
}

TEST(CheapestPaths, AreThoseOfTryingThemAll) {
  constexpr std::size_t kLevels = 9;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const CostMatrix costs = random_costs(kLevels, seed);
    for (const double coefficient : {0.8, 1.0, 1.15}) {
      const auto paths = cheapest_paths(costs, coefficient, kLevels - 1);
      ASSERT_EQ(paths.size(), kLevels - 1);
      for (std::size_t k = 1; k < kLevels; ++k) {
        double least = std::numeric_limits<double>::infinity();
        for (unsigned inner = 0; inner < 1U << (kLevels - 2); ++inner) {
          if (std::popcount(inner) + 1 != static_cast<int>(k)) continue;
          std::vector<std::size_t> path = {0};
          for (std::size_t node = 1; node + 1 < kLevels; ++node) {
            if ((inner >> (node - 1) & 1U) != 0) path.push_back(node);
          }
          path.push_back(kLevels - 1);
          least = std::min(least, cost_of(costs, path, coefficient));
        }
        ASSERT_EQ(paths[k - 1].size(), k + 1);
        EXPECT_EQ(paths[k - 1].front(), 0U);
        EXPECT_EQ(paths[k - 1].back(), kLevels - 1);
        // Sums of at most 8 numbers of order 1 in another order.
        EXPECT_NEAR(cost_of(costs, paths[k - 1], coefficient), least, 1e-14) << k << " steps, seed " << seed;
      }
    }
  }
}

TEST(CheapestPaths, RefuseWhatAGridDoesNotHave) {
  const CostMatrix costs = random_costs(5, 1);
  EXPECT_NO_THROW(cheapest_paths(costs, 1, 4));
  EXPECT_THROW(cheapest_paths(costs, 1, 5), Error);
  EXPECT_THROW(cheapest_paths(costs, 1, 0), Error);
  EXPECT_THROW(cheapest_paths(costs, 0, 2), Error);
  EXPECT_THROW(cheapest_paths(costs, std::nan(""), 2), Error);
}

}  // namespace
}  // namespace scorefield

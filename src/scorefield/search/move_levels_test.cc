#include "scorefield/search/move_levels.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace scorefield {
namespace {

TEST(MoveLevels, FindTheLeastErrorAndTryOnlySchedules) {
  const std::vector<double> target = {80, 9.7, 2.2, 1.1, 0.3, 0.002};
  std::size_t calls = 0;
  const auto error = [&](const std::vector<double>& levels) {
    ++calls;
    double sum = 1;
    for (std::size_t k = 0; k < levels.size(); ++k) {
      if (k > 0) {
        EXPECT_LT(levels[k], levels[k - 1]);
      }
      sum += std::pow(std::log(levels[k] / target[k]), 2);
    }
    return sum;
  };
  const MovedLevels moved = move_levels({80, 40, 20, 0.02, 0.01, 0.002}, error, {});
  EXPECT_EQ(moved.trials, calls);
  EXPECT_EQ(moved.levels.front(), 80);
  EXPECT_EQ(moved.levels.back(), 0.002);
  // The last moves are between 1 and 2.5 % of the way to a neighbour, which is at most 6 in log sigma; and a round that
  // gains less than 1e-3 of an error near 1 ends, which leaves squares of that order.
  for (std::size_t k = 0; k < target.size(); ++k) {
    EXPECT_NEAR(std::log(moved.levels[k]), std::log(target[k]), 0.15) << k;
    if (k > 0 && k + 1 < target.size()) {
      EXPECT_EQ(fmt::format("{}", moved.levels[k]), fmt::format("{:.6g}", moved.levels[k]));
    }
  }
}

TEST(MoveLevels, MoveTheLevelBeforeZeroButNotBelowTheLeast) {
  const auto smaller_is_better = [](const std::vector<double>& levels) { return 1 + levels[2]; };
  const MovedLevels moved = move_levels({80, 10, 1, 0}, smaller_is_better, {.least_gain = 0, .least_sigma = 0.05});
  EXPECT_GE(moved.levels[2], 0.05);
  EXPECT_LT(moved.levels[2], 0.06);
  EXPECT_EQ(moved.levels[3], 0);
}

TEST(MoveLevels, AreNeverWorseThanTheStart) {
  const std::vector<double> start = {5, 1.23456789, 0.1};
  const MovedLevels moved = move_levels(start, [&](const auto& levels) { return levels == start ? 0.0 : 1.0; }, {});
  EXPECT_EQ(moved.levels, start);
  EXPECT_EQ(moved.error, 0);
}

TEST(RoundedLevel, HasSixDigits) {
  EXPECT_EQ(rounded_level(10.98361111), 10.9836);
  EXPECT_EQ(rounded_level(0.00200000049), 0.002);
  EXPECT_EQ(rounded_level(79.99999999), 80);
  EXPECT_EQ(rounded_level(0), 0);
}

}  // namespace
}  // namespace scorefield

#include "scorefield/run/ticks.h"

#include <gtest/gtest.h>

namespace scorefield {
namespace {

std::string numbers(const Ticks& ticks) {
  std::string all;
  for (const Tick& tick : ticks.marks) {
    if (tick.text.empty()) continue;
    all += (all.empty() ? "" : " ") + tick.text + (tick.exponent.empty() ? "" : "^" + tick.exponent);
  }
  return all;
}

TEST(Ticks, LinearAxesCountInOnesTwosAndFives) {
  EXPECT_EQ(numbers(choose_ticks(0, 10, Scale::kLinear, 5)), "0 2 4 6 8 10");
  EXPECT_EQ(numbers(choose_ticks(-0.07, 1.03, Scale::kLinear, 6)), "0.0 0.2 0.4 0.6 0.8 1.0");
  EXPECT_EQ(numbers(choose_ticks(-1, 1, Scale::kLinear, 4)), "−1.0 −0.5 0.0 0.5 1.0");
  EXPECT_EQ(numbers(choose_ticks(3, 97, Scale::kLinear, 2)), "20 40 60 80");
  EXPECT_EQ(numbers(choose_ticks(1000, 1001, Scale::kLinear, 2)), "1000.0 1000.5 1001.0");
  EXPECT_EQ(numbers(choose_ticks(-3.8, 3.8, Scale::kLinear, 3)), "−2 0 2");
}

TEST(Ticks, LargeAndSmallNumbersShareAPower) {
  const Ticks large = choose_ticks(0, 3e6, Scale::kLinear, 3);
  EXPECT_EQ(numbers(large), "0 1 2 3");
  EXPECT_EQ(large.power, 6);
  const Ticks small = choose_ticks(0, 4e-5, Scale::kLinear, 4);
  EXPECT_EQ(numbers(small), "0 1 2 3 4");
  EXPECT_EQ(small.power, -5);
  EXPECT_EQ(choose_ticks(0, 60000, Scale::kLinear, 3).power, 0);
}

TEST(Ticks, LogAxesNameDecades) {
  EXPECT_EQ(numbers(choose_ticks(0.002, 80, Scale::kLog, 8)), "0.01 0.1 1 10");
  EXPECT_EQ(numbers(choose_ticks(0.9, 1.1e5, Scale::kLog, 8)), "10^0 10^1 10^2 10^3 10^4 10^5");
  EXPECT_EQ(numbers(choose_ticks(1e-9, 1, Scale::kLog, 4)), "10^−9 10^−6 10^−3 10^0");
}

TEST(Ticks, ShortLogAxesNameMore) {
  EXPECT_EQ(numbers(choose_ticks(3, 64, Scale::kLog, 6)), "5 10 20 50");
  EXPECT_EQ(numbers(choose_ticks(4, 8, Scale::kLog, 4)), "4 5 6 7 8");
}

TEST(Ticks, MarksStayInsideAndRise) {
  for (Scale scale : {Scale::kLinear, Scale::kLog}) {
    for (double low : {1e-7, 0.03, 1.0, 17.3, 4e8}) {
      for (double factor : {1.01, 1.5, 7.0, 300.0, 1e9, 1e20}) {
        const Ticks ticks = choose_ticks(low, low * factor, scale, 6);
        EXPECT_GE(ticks.marks.size(), 3u) << low << ' ' << factor;
        EXPECT_LT(ticks.marks.size(), 120u) << low << ' ' << factor;
        double before = -1;
        const double slack = 1e-6 * low * factor;  // an end is not lost to rounding
        for (const Tick& tick : ticks.marks) {
          EXPECT_GT(tick.value, before);
          EXPECT_GE(tick.value, low - (scale == Scale::kLog ? 1e-6 * low : slack));
          EXPECT_LE(tick.value, low * factor + slack);
          before = tick.value;
        }
      }
    }
  }
}

}  // namespace
}  // namespace scorefield

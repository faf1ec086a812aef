#include "scorefield/base/portable_math.h"

#include <gtest/gtest.h>

#include <numbers>

namespace scorefield {
namespace {

TEST(PortableMath, CosSinMatchLibm) {
  // The product 2 pi * turns is rounded at up to 2 ulp of the angle (below 2^-50 for three turns), on either side.
  for (int k = -3000; k <= 3000; ++k) {
    const double turns = k / 1000.0;
    const CosSin at = portable_cos_sin(turns);
    const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(turns);
    EXPECT_NEAR(at.cos, static_cast<double>(std::cos(angle)), 0x1p-51) << turns;
    EXPECT_NEAR(at.sin, static_cast<double>(std::sin(angle)), 0x1p-51) << turns;
  }
  EXPECT_EQ(portable_cos_sin(0.25).cos, 0.0);
  EXPECT_EQ(portable_cos_sin(0.5).cos, -1.0);
}

}  // namespace
}  // namespace scorefield

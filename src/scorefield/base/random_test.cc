#include "scorefield/base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace scorefield {
namespace {

TEST(Random, NormalsFollowTheNormalLaw) {
  std::vector<double> z(200000);
  RandomStream(7, Purpose::kTest).normals(z);
  double m1 = 0, m2 = 0, m4 = 0;
  for (double v : z) {
    m1 += v;
    m2 += v * v;
    m4 += v * v * v * v;
  }
  const auto n = static_cast<double>(z.size());
  // Five standard errors: var(z) = 1, var(z^2) = 2, var(z^4) = 96.
  EXPECT_NEAR(m1 / n, 0.0, 5 / std::sqrt(n));
  EXPECT_NEAR(m2 / n, 1.0, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(m4 / n, 3.0, 5 * std::sqrt(96 / n));
}

TEST(Random, NormalsAreTheQuantilesOfTheUniforms) {
  const RandomStream stream(1, Purpose::kTest, 5);
  std::vector<double> z(5000);
  stream.normals(z);
  for (std::size_t k = 0; k < z.size(); ++k) {
    const double p = stream.uniform(k);
    EXPECT_NEAR(0.5 * std::erfc(-z[k] / std::sqrt(2.0)), p, 4e-16 + 1e-13 * p) << k;
  }
}

TEST(Random, ARangeDoesNotDependOnHowItIsSplit) {
  const RandomStream stream(3, Purpose::kInitialNoise);
  std::vector<double> whole(101), part(33);
  stream.normals(whole);
  stream.normals(part, 50);
  for (std::size_t k = 0; k < part.size(); ++k) EXPECT_EQ(part[k], whole[50 + k]);
}

}  // namespace
}  // namespace scorefield

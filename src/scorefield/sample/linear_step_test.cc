#include "scorefield/sample/linear_step.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {
namespace {

TEST(LinearStep, SeesTheSamplersCoefficients) {
  // Euler in sigma: x + (r - t)/t (x - D) = (r/t) x + (1 - r/t) D.
  const auto edm = make_edm();
  const LinearStep euler = linear_step(find_sampler("euler"), *edm, 2.0, 0.5);
  EXPECT_DOUBLE_EQ(euler.state, 0.25);
  EXPECT_DOUBLE_EQ(euler.denoised, 0.75);
  EXPECT_EQ(euler.noise, 0);
  // The posterior step in the VE frame: (r/t)^2, 1 - (r/t)^2, r sqrt(1 - (r/t)^2).
  const LinearStep posterior = linear_step(find_sampler("posterior"), *edm, 2.0, 0.5);
  EXPECT_DOUBLE_EQ(posterior.state, 0.0625);
  EXPECT_DOUBLE_EQ(posterior.denoised, 0.9375);
  EXPECT_DOUBLE_EQ(posterior.noise, 0.5 * std::sqrt(0.9375));
  // Euler-Maruyama is another step: the claim about the bridge would not hold for it.
  const LinearStep other = linear_step(find_sampler("euler-maruyama"), *make_ou(), 1.0, 0.5);
  EXPECT_GT(std::abs(other.state - std::sinh(0.5) / std::sinh(1.0)), 0.05);
  EXPECT_THROW(linear_step(find_sampler("heun"), *edm, 2.0, 0.5), Bug);
}

}  // namespace
}  // namespace scorefield

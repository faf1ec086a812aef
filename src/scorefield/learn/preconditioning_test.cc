#include "scorefield/learn/preconditioning.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/process/parametrisation.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Preconditioning, EdmIsKarrasTableOne) {
  const double sd = 0.5;
  for (const double sigma : {0.002, 0.5, 3.0, 80.0}) {
    const Preconditioning at = make_preconditioner({"edm", "edm", sd})->at(sigma);
    const double total = sigma * sigma + sd * sd;
    // A handful of roundings each.
    EXPECT_NEAR(at.skip, sd * sd / total, 1e-15);
    EXPECT_NEAR(at.out, sigma * sd / std::sqrt(total), 1e-15);
    EXPECT_NEAR(at.in, 1 / std::sqrt(total), 4e-15 * at.in);
    EXPECT_NEAR(at.label, std::log(sigma) / 4, 1e-15);
  }
}

// The network that predicts its target perfectly gives D back: for one x_0 and n, F is known, and D = x_0.
TEST(Preconditioning, APerfectPredictionGivesTheDenoisedMean) {
  const double x0 = 0.7;
  const double n = -1.3;
  for (const char* process : {"edm", "vp", "flow", "cosine", "ou", "sub-vp", "ddpm"}) {
    const auto owned = make_process(process);
    for (const double sigma : {0.05, 0.4, 2.0, 20.0}) {
      const Marginal law = owned->at(owned->time_of(sigma));
      const double length = std::hypot(law.scale, law.noise);
      const std::pair<const char*, double> perfect[] = {{"denoised", x0},
                                                        {"noise", n},
                                                        {"v", (law.scale * n - law.noise * x0) / length},
                                                        {"score", -n / law.noise},
                                                        {"velocity", law.dscale_dt * x0 + law.dnoise_dt * n}};
      for (const auto& [predicts, value] : perfect) {
        const Preconditioning at = make_preconditioner({predicts, process, 0.5})->at(sigma);
        // x_0 is the difference of two terms of size sigma |n|, each with a few roundings of 2e-16 and the inversion of
        // sigma(t), which is good to some 1e-14.
        EXPECT_NEAR(at.skip * (x0 + sigma * n) + at.out * value, x0, 2e-13 * (1 + sigma)) << predicts << " " << process;
      }
    }
  }
}

TEST(Preconditioning, AtInfinityTheStateIsUnitNoise) {
  const double n = 0.4;
  const double x0 = -0.2;
  const Preconditioning flow = make_preconditioner({"velocity", "flow", 0.5})->at(kInf);
  EXPECT_NEAR(flow.skip * n + flow.out * (n - x0), x0, 1e-15);
  EXPECT_EQ(flow.in, 1);
  EXPECT_EQ(flow.label, 3);
  const Preconditioning edm = make_preconditioner({"edm", "edm", 0.5})->at(kInf);
  EXPECT_EQ(edm.skip, 0);
  EXPECT_EQ(edm.out, 0.5);
  EXPECT_THROW((void)make_preconditioner({"noise", "flow", 0.5})->at(kInf), Error);  // eps says nothing about D there
}

TEST(Preconditioning, CanBeAskedWhereItsRangeSays) {
  for (const auto& [predicts, process] : {std::pair{"noise", "ddpm"}, std::pair{"v", "vp"}, std::pair{"score", "ve"}}) {
    const Target target{predicts, process, 0.5};
    const SigmaRange range = sigma_range(target);
    const auto made = make_preconditioner(target);
    EXPECT_TRUE(std::isfinite(made->at(std::max(range.least, 1e-6)).skip)) << process;
    EXPECT_TRUE(std::isfinite(made->at(range.most).skip)) << process;
    if (range.least > 0) {
      EXPECT_THROW((void)made->at(0.9 * range.least), Error) << process;
    }
    EXPECT_THROW((void)made->at(1.1 * range.most), Error) << process;
  }
  EXPECT_EQ(sigma_range({"edm", "ddpm", 0.5}).least, 0);
  EXPECT_EQ(sigma_range({"edm", "ddpm", 0.5}).most, kInf);
}

TEST(Preconditioning, RefusesWhatMakesNoSense) {
  EXPECT_THROW((void)make_preconditioner({"edm", "edm", 0}), Error);
  EXPECT_THROW((void)make_preconditioner({"noice", "edm", 0.5}), Error);
  EXPECT_THROW((void)make_preconditioner({"noise", "no such", 0.5}), Error);
  EXPECT_EQ(target_name("eps"), "noise");
  EXPECT_EQ(target_name("flow"), "velocity");
  EXPECT_EQ(target_name("x0"), "denoised");
}

}  // namespace
}  // namespace scorefield

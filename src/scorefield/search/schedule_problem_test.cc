#include "scorefield/search/schedule_problem.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/field/gaussian.h"
#include "scorefield/search/small_problem_test.h"

namespace scorefield {
namespace {

TEST(StepsOf, CountsEvaluationsToTheEnd) {
  struct Case {
    const char* solver;
    bool end_at_zero, analytical;
    std::size_t nfe, steps;
  };
  for (const Case& c : std::vector<Case>{{"euler", false, false, 5, 5},
                                         {"euler", true, false, 5, 5},
                                         {"ipndm3", true, true, 5, 6},  // the first evaluation is not made
                                         {"heun", false, false, 6, 3},
                                         {"heun", false, false, 7, 0},
                                         {"heun", true, false, 7, 4},  // the last step to 0 makes one
                                         {"heun", true, false, 6, 0},
                                         {"euler", false, false, 1, 0}}) {
    ScheduleProblem problem = small_problem(c.solver, c.end_at_zero);
    problem.sampling.analytical_first_step = c.analytical;
    EXPECT_EQ(steps_of(problem, c.nfe), c.steps) << c.solver << c.nfe;
    if (c.steps > 0) {
      EXPECT_EQ(fixed_levels(problem, "logsnr", c.steps).size(), c.steps + 1);
    }
  }
}

// N(mu, v): the flow takes x at sigma to mu + sqrt((v + s^2)/(v + sigma^2)) (x - mu) at s.
TEST(ExactEnds, AreThoseOfAGaussian) {
  const std::vector<double> mean = {1, -2};
  const Gaussian field(mean, Covariance::diagonal({0.5, 2}));
  for (const bool end_at_zero : {false, true}) {
    ScheduleProblem problem{.sampling = {.field = field, .sampler = find_sampler("euler"), .levels = {}},
                            .sigma_max = 20,
                            .sigma_min = 0.01,
                            .end_at_zero = end_at_zero};
    const std::vector<std::uint64_t> seeds = {5, 0, 77};
    const ExactEnds ends = exact_ends(problem, seeds, 100, {});
    const double end = end_at_zero ? 0 : problem.sigma_min;
    double worst = 0;
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      std::vector<double> noise(2);
      RandomStream(seeds[i], Purpose::kInitialNoise).normals(noise);
      for (std::size_t j = 0; j < 2; ++j) {
        const double v = j == 0 ? 0.5 : 2;
        const double exact =
            mean[j] + std::sqrt((v + end * end) / (v + 400)) * (problem.sigma_max * noise[j] - mean[j]);
        worst = std::max(worst, std::abs(ends.x(i, j) - exact));
      }
    }
    EXPECT_GT(ends.uncertainty, worst) << "it is meant to bound the error";
    EXPECT_LT(ends.uncertainty, 1e-3);
    // The same levels by rk4 end at the same points, and any order of seeds gives the same.
    problem.batch = 2;
    const std::vector<std::uint64_t> one = {77};
    EXPECT_EQ(exact_ends(problem, one, 100, {}).x(0, 1), ends.x(2, 1));
    const std::vector<double> errors = end_point_errors(problem, fixed_levels(problem, "polynomial", 400), ends, {});
    const std::vector<double> coarser = end_point_errors(problem, fixed_levels(problem, "polynomial", 200), ends, {});
    // Euler's error is of first order.
    for (std::size_t i = 0; i < seeds.size(); ++i) EXPECT_NEAR(coarser[i] / errors[i], 2, 0.2);
  }
}

}  // namespace
}  // namespace scorefield

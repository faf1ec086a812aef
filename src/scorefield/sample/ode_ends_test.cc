// Each family of ODE samplers against another system's end states, in every clone.
#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/process/process.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/oracle_runs_test.h"
#include "tests/ode_ends.h"

namespace scorefield {
namespace {

using test::difference;
using test::OdeRun;
using test::path_of;
using test::states;

const std::vector<double> kLatents(test::kOdeLatents.begin(), test::kOdeLatents.end());

TEST(OdeEnds, AreThoseOfDiffSampler) {
  for (const test::SolverEnd& end : test::kDiffSamplerEnds) {
    OdeRun run{end.sampler, noise_levels({.steps = 11, .end_at_zero = false}), states(kLatents, 80)};
    run.options.lower_order_final = end.lower_order_final;
    const std::vector<Rows> path = path_of(run);
    EXPECT_LE(difference(path.back(), end.x), 2e-14 + 32 * rounding_of(run, path)) << end.sampler;
  }
}

TEST(OdeEnds, AreThoseOfDpmSolver) {
  const auto vp = make_vp(0.1, 20);
  for (const test::SolverEnd& end : test::kDpmSolverEnds) {
    const int evaluations = find_sampler(end.sampler).evaluations_per_step;
    const double from = vp->at(1).sigma;
    const double to = vp->at(1e-3).sigma;
    const auto levels = noise_levels(
        {.name = "logsnr", .steps = 12 / evaluations + 1, .sigma_min = to, .sigma_max = from, .end_at_zero = false});
    const OdeRun run{end.sampler, levels, states(kLatents, 1 / vp->at(1).scale)};
    const std::vector<Rows> path = path_of(run);
    // 1e-13: that code finds sigma from exp(..) - 1, 1e-4 at the end.
    EXPECT_LE(difference(path.back(), end.x, vp->at(1e-3).scale), 1e-13 + 32 * rounding_of(run, path)) << end.sampler;
  }
}

}  // namespace
}  // namespace scorefield

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/adaptive.h"
#include "scorefield/sample/oracle_runs_test.h"
#include "tests/ode_ends.h"
#include "tests/oracle.h"

namespace scorefield {
namespace {

using test::difference;
using test::OdeRun;
using test::path_of;
using test::Points8;
using test::states;

const std::vector<double> kLatents(test::kOdeLatents.begin(), test::kOdeLatents.end());

/// Contraction of the flow from sigma to a smaller one makes earlier errors smaller (all but near a boundary between
/// two points), so the error at the end is that of the steps of the last units of log sigma, some hundred of them.
constexpr double kStepsThatCount = 300;

TEST(Rk45, EndsWhereTheOdeDoes) {
  for (const double tolerance : {1e-6, 1e-8, 1e-10, 1e-12}) {
    OdeRun run{"rk45", {80, 1, 0.05, 0.002}, states(kLatents, 80)};
    run.options.rtol = run.options.atol = tolerance;
    const std::vector<Rows> path = path_of(run);
    EXPECT_LE(difference(path[1], test::kOdeTruthAt1), kStepsThatCount * tolerance) << tolerance;
    EXPECT_LE(difference(path[3], test::kOdeTruthAt0002), kStepsThatCount * tolerance) << tolerance;
  }
}

TEST(Rk45, EndsWhereDop853Does) {
  const test::Oracle* oracle = test::Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << test::Oracle::kAbsent;
  // Their relative tolerance is 1e-13. Ours is 1e-13 a step, of states of size 80 at the start.
  OdeRun run{"rk45", {80, 1, 0.05, 0.002}, states(oracle->at("cases/pts8/z").values, 80)};
  run.options.rtol = run.options.atol = 1e-13;
  const std::vector<Rows> path = path_of(run);
  EXPECT_LE(difference(path[1], oracle->at("truth/pts8/ve_80_1").values), kStepsThatCount * 2e-13);
  EXPECT_LE(difference(path[2], oracle->at("truth/pts8/ve_80_0.05").values), kStepsThatCount * 2e-13);
  EXPECT_LE(difference(path[3], oracle->at("truth/pts8/ve_80_0.002").values), kStepsThatCount * 2e-13);
}

TEST(Rk45, LevelsOnTheWayChangeNothing) {
  // Steps do not end at levels: only the field's answers there, one a level, are added.
  const Points8 field;
  const Rows start = states(kLatents, 80);
  const std::vector<std::uint64_t> seeds(start.rows(), 0);
  const auto run = [&](const std::vector<double>& levels) {
    const Sampling sampling{.field = field, .sampler = find_sampler("rk45"), .levels = levels};
    return sample_from(sampling, {&start, 1}, seeds, {}, nullptr, {});
  };
  const Samples straight = run({80, 0.002});
  const std::vector<double> many = noise_levels({.steps = 200, .end_at_zero = false});
  const Samples stopped = run(many);
  EXPECT_TRUE(std::ranges::equal(stopped.x.values(), straight.x.values()));
  for (std::size_t i = 0; i < start.rows(); ++i) {
    EXPECT_EQ(stopped.evaluations[i] - (many.size() - 1), straight.evaluations[i] - 1);
  }
}

TEST(Rk45, DenseOutputKeepsTheTolerance) {
  // Held against a run whose steps are far shorter, at levels that no step of its own ends at.
  OdeRun run{"rk45", noise_levels({.steps = 100, .end_at_zero = false}), states(kLatents, 80)};
  run.options.rtol = run.options.atol = 1e-12;
  const std::vector<Rows> exact = path_of(run);
  for (const double tolerance : {1e-5, 1e-7, 1e-9}) {
    run.options.rtol = run.options.atol = tolerance;
    const std::vector<Rows> path = path_of(run);
    for (std::size_t i = 0; i < path.size(); ++i) {
      EXPECT_LE(difference(path[i], exact[i].values()), kStepsThatCount * tolerance) << tolerance << ", level " << i;
    }
  }
}

TEST(Rk45, ReturnsUpward) {
  OdeRun down{"rk45", {80, 0.5}, states(kLatents, 80)};
  down.options.rtol = down.options.atol = 1e-11;
  OdeRun up{"rk45", {0.5, 80}, path_of(down).back()};
  up.options = down.options;
  // On the way up errors grow with sigma, and what is compared is relative to 80.
  EXPECT_LE(difference(path_of(up).back(), down.start.values()), kStepsThatCount * 2e-11);
}

TEST(Rk45, TakesStepsOfItsOwnForEverySample) {
  const Points8 field;
  SamplerOptions options;
  const std::vector<double> levels = {80, 0.002};
  const Sampling sampling{.field = field, .sampler = find_sampler("rk45"), .levels = levels, .options = options};
  const Rows all = states(kLatents, 80);
  const std::vector<std::uint64_t> seeds(all.rows(), 0);
  const Samples together = sample_from(sampling, {&all, 1}, seeds, {}, nullptr, {});
  bool differ = false;
  for (std::size_t i = 0; i < all.rows(); ++i) {
    const Rows one = states({all(i, 0), all(i, 1)});
    const Samples alone = sample_from(sampling, {&one, 1}, {&seeds[0], 1}, {}, nullptr, {});
    EXPECT_EQ(alone.x(0, 0), together.x(i, 0));
    EXPECT_EQ(alone.x(0, 1), together.x(i, 1));
    EXPECT_EQ(alone.evaluations[0], together.evaluations[i]);
    differ = differ || together.evaluations[i] != together.evaluations[0];
  }
  EXPECT_TRUE(differ);
}

TEST(Rk45, RefusesTolerancesOutOfRange) {
  for (const double rtol : {0.0, 1e-15, 1.0, std::nan("")}) {
    SamplerOptions options;
    options.rtol = rtol;
    EXPECT_THROW(find_sampler("rk45").make(options), Error) << rtol;
  }
  SamplerOptions options;
  options.atol = -1;
  EXPECT_THROW(find_sampler("rk45").make(options), Error);
}

TEST(Rk45, SaysWhenTheFieldIsTooRough) {
  // Errors of D that are not a smooth function of x, as of a field in single precision.
  OdeRun run{"rk45", {80, 0.002}, states({kLatents[0], kLatents[1]}, 80)};
  run.options.rtol = run.options.atol = 1e-12;
  EXPECT_THROW(path_of(run, 1e-5), Error);
}

TEST(SolveReference, ItsErrorIsWithinItsEstimate) {
  const Points8 field;
  const Rows start = states(kLatents, 80);
  const std::vector<double> levels = {80, 1, 0.002};
  for (const double tolerance : {1e-5, 1e-7, 1e-9}) {
    const ReferencePath path = solve_reference(field, start.view(), levels, {}, tolerance, {});
    ASSERT_EQ(path.x.size(), 3U);
    for (std::size_t i = 0; i < start.rows(); ++i) {
      EXPECT_EQ(path.error(0, i), 0);
      double at_1 = 0;
      double at_0002 = 0;
      for (std::size_t j = 0; j < 2; ++j) {
        at_1 = std::max(at_1, std::abs(path.x[1](i, j) - test::kOdeTruthAt1[2 * i + j]));
        at_0002 = std::max(at_0002, std::abs(path.x[2](i, j) - test::kOdeTruthAt0002[2 * i + j]));
      }
      // The estimate is of the looser solution: the tighter one's error is smaller. 1e-14: rounding.
      EXPECT_LE(at_1, path.error(1, i) + 1e-14) << tolerance;
      EXPECT_LE(at_0002, path.error(2, i) + 1e-14) << tolerance;
      EXPECT_LE(path.error(1, i), kStepsThatCount * tolerance);
      // The L2 norm of two values against the larger of them.
      EXPECT_GE(path.last_distance[i], path.error(2, i));
      EXPECT_LE(path.last_distance[i], std::sqrt(2) * path.error(2, i) * (1 + 1e-15));
      EXPECT_GT(path.evaluations[i], 100U);
    }
  }
}

TEST(SolveReference, RefusesLevelsAndTolerancesOutOfRange) {
  const Points8 field;
  const Rows start = states(kLatents, 80);
  const auto solve = [&](const std::vector<double>& levels, double tolerance) {
    return solve_reference(field, start.view(), levels, {}, tolerance, {});
  };
  EXPECT_THROW(solve({80, 0}, 1e-6), Error);
  EXPECT_THROW(solve({HUGE_VAL, 1}, 1e-6), Error);
  EXPECT_THROW(solve({}, 1e-6), Error);
  EXPECT_THROW(solve({80, 1, 2}, 1e-6), Error);
  EXPECT_THROW(solve({80, 1}, 1e-15), Error);
}

}  // namespace
}  // namespace scorefield

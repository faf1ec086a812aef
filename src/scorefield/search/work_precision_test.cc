#include "scorefield/search/work_precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/empirical.h"
#include "scorefield/field/forwarding_field.h"
#include "scorefield/search/small_problem_test.h"

namespace scorefield {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Dataset points(std::vector<double> values) {
  return make_dataset("points", std::move(values), {1});
}

std::vector<std::size_t> evaluations(const SolverRuns& plan) {
  std::vector<std::size_t> all;
  for (const SolverRun& run : plan.runs) all.push_back(run.evaluations);
  return all;
}

std::vector<std::size_t> level_counts(const SolverRuns& plan) {
  std::vector<std::size_t> all;
  for (const SolverRun& run : plan.runs) all.push_back(run.levels.size());
  return all;
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PlanSolverRuns, TakesTheMostLevelsWithinTheBudget) {
  const ScheduleProblem to_zero = small_problem("euler", true);
  // Of n levels above 0 and a last step to it, Euler makes n evaluations, Heun 2 (n - 1) + 1, rk4 4 (n - 1) + 1.
  const SolverRuns euler = plan_solver_runs(to_zero, {"euler"}, {"logsnr"}, {4, 7});
  EXPECT_THAT(evaluations(euler), ElementsAre(4, 7));
  EXPECT_THAT(level_counts(euler), ElementsAre(5, 8));
  const SolverRuns heun = plan_solver_runs(to_zero, {"heun"}, {"logsnr"}, {6, 4, 5});
  EXPECT_THAT(evaluations(heun), ElementsAre(3, 5)) << "5 serves 5 and 6: one run";
  EXPECT_THAT(level_counts(heun), ElementsAre(3, 4));
  EXPECT_THAT(heun.left_out, ElementsAre());
  const SolverRuns rk4 = plan_solver_runs(to_zero, {"rk4"}, {"logsnr"}, {4, 12});
  EXPECT_THAT(evaluations(rk4), ElementsAre(9));
  EXPECT_THAT(rk4.left_out, ElementsAre("rk4 needs at least 5 evaluations (2 steps)"));
  // Without the step to 0, n levels make n - 1 steps.
  const SolverRuns above = plan_solver_runs(small_problem("euler"), {"euler", "heun"}, {"logsnr"}, {4});
  EXPECT_THAT(evaluations(above), ElementsAre(4, 4));
  EXPECT_THAT(level_counts(above), ElementsAre(3, 5)) << "fewer levels come first";
}

TEST(PlanSolverRuns, OrdersByScheduleAndKnowsAliases) {
  const SolverRuns plan =
      plan_solver_runs(small_problem("euler", true), {"edm", "euler", "heun"}, {"karras", "logsnr"}, {5});
  ASSERT_EQ(plan.runs.size(), 4U) << "edm is heun";
  EXPECT_EQ(plan.runs[0].solver, "heun");
  EXPECT_EQ(plan.runs[1].solver, "euler");
  EXPECT_EQ(plan.runs[1].schedule, "polynomial");
  EXPECT_EQ(plan.runs[2].schedule, "logsnr");
}

TEST(PlanSolverRuns, RefusesWhatCannotBe) {
  const ScheduleProblem problem = small_problem("euler", true);
  const auto plan = [&](std::vector<std::string> solvers, std::vector<std::string> schedules,
                        std::vector<std::size_t> budgets) {
    return refusal([&] { plan_solver_runs(problem, solvers, schedules, budgets); });
  };
  EXPECT_THAT(plan({"huen"}, {"logsnr"}, {4}), HasSubstr("heun"));
  EXPECT_THAT(plan({"heun"}, {"logsrn"}, {4}), HasSubstr("logsnr"));
  EXPECT_THAT(plan({"rk45"}, {"logsnr"}, {4}), HasSubstr("chooses its own steps"));
  EXPECT_THAT(plan({"heun", "rk4"}, {"logsnr"}, {4}), HasSubstr("rk4 needs at least 5 evaluations"));
  EXPECT_THAT(plan({"ab3"}, {"logsnr"}, {2}), HasSubstr("ab3 needs at least 3 evaluations"));
  EXPECT_THAT(plan({}, {"logsnr"}, {4}), HasSubstr("at least one solver"));
  EXPECT_THAT(plan({"heun"}, {"logsnr"}, {}), HasSubstr("number of evaluations"));
}

TEST(FlowEnds, OfOneDatumAreTheDatum) {
  // D is the datum y everywhere, so the flow is the straight line from 20 n to it: x - y = (sigma/20) (20 n - y).
  const Dataset data = points({3});
  const Empirical field(data, {.precision = Precision::kPrecise, .weights = {}}, {});
  const auto seeds = first_seeds(5);
  for (const bool to_zero : {true, false}) {
    const ScheduleProblem problem{.sampling = {.field = field, .sampler = find_sampler("euler"), .levels = {}},
                                  .sigma_max = 20,
                                  .sigma_min = 0.5,
                                  .end_at_zero = to_zero,
                                  .batch = 2};
    const FlowEnds ends = flow_ends(problem, seeds, 1e-6, {});
    ASSERT_EQ(ends.difference.size(), 5U);
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      double noise = 0;
      RandomStream(seeds[i], Purpose::kInitialNoise).normals({&noise, 1});
      EXPECT_NEAR(ends.x(i, 0), to_zero ? 3 : 3 + 0.5 / 20 * (20 * noise - 3), 1e-6) << "the tolerance";
      EXPECT_LT(ends.difference[i], 1e-5);
    }
    EXPECT_GT(ends.evaluations, 0);
  }
}

TEST(FlowReference, FindsEulersErrorOfTwoPointsByHand) {
  // Data -1 and 1: D = tanh(x / sigma^2). One Euler step from sigma to s, and D there. The flow, by symmetry, ends at
  // the sign of x.
  const Dataset data = points({-1, 1});
  const Empirical field(data, {.precision = Precision::kPrecise, .weights = {}}, {});
  const ScheduleProblem problem{.sampling = {.field = field, .sampler = find_sampler("euler"), .levels = {}},
                                .sigma_max = 4,
                                .sigma_min = 0.7,
                                .batch = 7};
  const auto seeds = first_seeds(40);
  const FlowEnds ends = flow_ends(problem, seeds, 1e-8, {});
  const FlowReference reference(&data, seeds, ends.x, {.projections = 4}, {});
  const Rows x = end_points({.field = field, .sampler = find_sampler("euler"), .levels = {4, 0.7, 0}}, seeds, -1,
                            problem.batch, "", {});
  const EndPointErrors errors = reference.errors(x, {});
  double mean = 0;
  double square = 0;
  double ends_square = 0;
  double ends_mean = 0;
  for (const std::uint64_t seed : seeds) {
    double noise = 0;
    RandomStream(seed, Purpose::kInitialNoise).normals({&noise, 1});
    const double start = 4 * noise;
    const double middle = std::tanh(start / 16) + 0.7 / 4 * (start - std::tanh(start / 16));
    const double end = std::tanh(middle / 0.49);
    // Down to 0.7/16 the flow has met the data to exp(-2/0.044^2).
    const double exact = noise > 0 ? 1 : -1;
    mean += std::abs(end - exact) / 40;
    square += (end - exact) * (end - exact) / 40;
    ends_mean += exact / 40;
    ends_square += exact * exact / 40;
  }
  EXPECT_NEAR(errors.error.value, mean, 1e-7) << "the tolerance of the flow";
  EXPECT_NEAR(errors.error.standard_error, std::sqrt((square - mean * mean) / 39), 1e-6);
  EXPECT_NEAR(reference.scale(), std::sqrt(ends_square - ends_mean * ends_mean), 1e-7);
  EXPECT_NEAR(errors.relative, mean / reference.scale(), 1e-6);
  EXPECT_LE(errors.low, errors.median);
  EXPECT_LE(errors.median, errors.high);
  EXPECT_EQ(errors.other_row->count, 0U);
  EXPECT_EQ(errors.other_row->total, 40U);
}

TEST(FlowReference, CountsEndsAtOtherRows) {
  const Dataset data = points({0, 1, 5});
  Rows ends(4, 1);
  for (std::size_t i = 0; i < 4; ++i) ends(i, 0) = i < 2 ? 0.1 : 5;
  const FlowReference reference(&data, first_seeds(4), ends, {.projections = 2}, {});
  Rows x = ends;
  x(0, 0) = 0.6;  // nearer to 1
  x(1, 0) = 0.45;
  x(2, 0) = 3.1;
  x(3, 0) = 2.9;  // nearer to 1
  const EndPointErrors errors = reference.errors(x, {});
  EXPECT_EQ(errors.other_row->count, 2U);
  EXPECT_NEAR(errors.error.value, (0.5 + 0.35 + 1.9 + 2.1) / 4, 1e-15);
  // Four draws of the rows are, on average, nearer to them than anything that is one value alone.
  EXPECT_LT(reference.data_distance(10, {}).value, reference.sliced().distance(Rows(4, 1).view(), {}).value);
}

TEST(FlowReference, SameBitsOnManyThreadsAndForAnyBatch) {
  std::vector<double> values(60 * 12);
  RandomStream(1, Purpose::kTest).normals(values);
  const Dataset data = make_dataset("normals", values, {12});
  const auto seeds = first_seeds(9);
  ThreadPool pool(3);
  std::vector<std::vector<double>> found;
  for (const bool many : {false, true}) {
    const Context context{.pool = many ? &pool : nullptr};
    const Empirical field(data, {.precision = Precision::kPrecise, .weights = {}}, context);
    const ScheduleProblem problem{.sampling = {.field = field, .sampler = find_sampler("euler"), .levels = {}},
                                  .sigma_max = 20,
                                  .sigma_min = 0.01,
                                  .batch = many ? std::size_t{4} : std::size_t{9}};
    const FlowEnds ends = flow_ends(problem, seeds, 1e-3, context);
    const FlowReference reference(&data, seeds, ends.x, {.projections = 16}, context);
    const SolverRun run = plan_solver_runs(problem, {"heun"}, {"polynomial"}, {7}).runs[0];
    const Rows x = end_points({.field = field, .sampler = find_sampler("heun"), .levels = run.levels}, seeds, -1,
                              problem.batch, "", context);
    const EndPointErrors errors = reference.errors(x, context);
    const Estimate distance = reference.sliced().distance(x.view(), context);
    found.push_back({errors.error.value, errors.error.standard_error, errors.median, errors.other_row->value,
                     distance.value, distance.standard_error, reference.scale(), ends.evaluations,
                     reference.data_distance(3, context).value});
  }
  EXPECT_EQ(found[0], found[1]);
}

/// What goes in and what comes out rounded to float32, as a network has it.
class InFloat32 final : public ForwardingField {
 public:
  using ForwardingField::ForwardingField;
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override {
    Rows rounded(x.rows, x.cols);
    for (std::size_t i = 0; i < x.rows; ++i) {
      for (std::size_t k = 0; k < x.cols; ++k) rounded(i, k) = static_cast<float>(x(i, k));
    }
    Answer answer = field_.ask(rounded.view(), sigma, labels, request, context);
    for (double& value : answer.denoised.values()) value = static_cast<float>(value);
    return answer;
  }
};

TEST(FlowEnds, OfAFieldInFloat32AreAsSureAsTheySay) {
  const ScheduleProblem exact = small_problem("euler", true);
  const InFloat32 field(exact.sampling.field);
  const auto seeds = first_seeds(32);
  const Rows truth = flow_ends(exact, seeds, 1e-9, {}).x;
  for (const double tolerance : {1e-3, 1e-5}) {
    const FlowEnds ends = flow_ends(with_field(field, exact), seeds, tolerance, {});
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      double error = 0;
      for (std::size_t k = 0; k < truth.cols(); ++k) error = std::max(error, std::abs(ends.x(i, k) - truth(i, k)));
      // The looser solution has ten times the error, less what their roundings share: 2^-24 of the states at sigma_max.
      EXPECT_LE(error, ends.difference[i] + 20 * 4 * 0x1p-24) << tolerance << " " << i;
    }
  }
}

TEST(FlowEnds, GoNoFurtherDownThanTheFieldKnows) {
  // D is the datum y everywhere, and x - y = (s/20) (20 n - y) at the last level: it is asked there, and nowhere below.
  class Above final : public Field {
   public:
    std::size_t dimension() const override { return 1; }
    Capabilities capabilities() const override { return {.labels = true}; }
    std::span<const double> mean() const override { return {&datum_, 1}; }
    double variance() const override { return 0; }
    Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
               const Request& /*request*/, const Context& /*context*/) const override {
      for (const double s : sigma) least = std::min(least, s);
      Answer answer;
      answer.denoised = Rows(x.rows, 1);
      for (double& value : answer.denoised.values()) value = labels[0] == 2 ? datum_ : std::nan("");
      return answer;
    }
    mutable double least = 100;

   private:
    double datum_ = 3;
  };
  const Above field;
  ScheduleProblem problem{.sampling = {.field = field, .sampler = find_sampler("euler"), .levels = {}},
                          .sigma_max = 20,
                          .sigma_min = 0.5,
                          .label = 2,
                          .least_sigma = 0.4};
  const auto seeds = first_seeds(3);
  for (const auto& find : {std::function([&] { return flow_ends(problem, seeds, 1e-4, {}).x; }),
                           std::function([&] { return exact_ends(problem, seeds, 20, {}).x; })}) {
    field.least = 100;
    const Rows x = find();
    EXPECT_EQ(field.least, 0.4);
    for (std::size_t i = 0; i < seeds.size(); ++i) EXPECT_EQ(x(i, 0), 3) << "under the label of the problem";
  }
  problem.least_sigma = 0;
  (void)flow_ends(problem, seeds, 1e-4, {});
  EXPECT_EQ(field.least, 0.5 / 16);
}

TEST(FlowReference, WithoutDataKnowsErrorsAlone) {
  Rows ends(3, 1);
  for (std::size_t i = 0; i < 3; ++i) ends(i, 0) = static_cast<double>(i);
  const FlowReference reference(nullptr, first_seeds(3), ends, {}, {});
  Rows x = ends;
  x(1, 0) = 1.5;
  const EndPointErrors errors = reference.errors(x, {});
  EXPECT_DOUBLE_EQ(errors.error.value, 0.5 / 3);
  EXPECT_FALSE(errors.other_row.has_value());
  EXPECT_FALSE(reference.distance(x, {}).has_value());
}

TEST(ParetoFront, IsThatOfBruteForce) {
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    const RandomStream random(trial, Purpose::kTest);
    const std::size_t n = 1 + random.below(0, 12);
    std::vector<double> cost(n);
    std::vector<double> error(n);
    for (std::size_t i = 0; i < n; ++i) {
      cost[i] = static_cast<double>(random.below(1 + 2 * i, 5));  // few values: ties
      error[i] = static_cast<double>(random.below(2 + 2 * i, 5));
      if (random.below(100 + i, 10) == 0) error[i] = std::numeric_limits<double>::quiet_NaN();
    }
    std::vector<std::size_t> expected;
    for (std::size_t i = 0; i < n; ++i) {
      bool beaten = !std::isfinite(error[i]);
      for (std::size_t j = 0; j < n; ++j) {
        const bool as_good = cost[j] <= cost[i] && error[j] <= error[i];
        const bool better = cost[j] < cost[i] || error[j] < error[i];
        beaten = beaten || (as_good && (better || j < i));
      }
      if (!beaten) expected.push_back(i);
    }
    std::ranges::sort(expected, {}, [&](std::size_t i) { return cost[i]; });
    EXPECT_EQ(pareto_front(cost, error), expected) << trial;
  }
}

}  // namespace
}  // namespace scorefield

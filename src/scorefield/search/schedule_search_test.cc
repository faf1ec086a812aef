#include "scorefield/search/schedule_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/forwarding_field.h"
#include "scorefield/search/small_problem_test.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

ScheduleSearchOptions small_options(std::vector<std::size_t> budgets) {
  ScheduleSearchOptions options;
  options.budgets = std::move(budgets);
  options.grid = 31;
  options.training = 48;
  options.held_out = first_seeds(64);
  options.reference_steps = 60;
  return options;
}

void expect_schedule(const ScheduleProblem& problem, const BudgetSchedules& budget, const ScheduleTrial& trial) {
  ASSERT_EQ(trial.levels.size(), budget.steps + 1) << trial.name;
  EXPECT_EQ(trial.levels.front(), problem.sigma_max);
  EXPECT_EQ(trial.levels.back(), problem.end_at_zero ? 0 : problem.sigma_min);
  for (std::size_t k = 1; k < trial.levels.size(); ++k) EXPECT_LT(trial.levels[k], trial.levels[k - 1]) << trial.name;
  Sampling run = problem.sampling;
  run.levels = trial.levels;
  EXPECT_EQ(evaluations_of(run), budget.nfe) << trial.name;
  EXPECT_EQ(trial.errors.size(), 64U);
  EXPECT_GT(trial.held_out.standard_error, 0);
}

TEST(ScheduleSearch, BeatsFixedSchedulesOnNoiseItDidNotSee) {
  for (const bool end_at_zero : {false, true}) {
    for (const char* solver : {"euler", "ipndm3", "heun"}) {
      const ScheduleProblem problem = small_problem(solver, end_at_zero);
      const ScheduleSearch search = search_schedules(
          problem, small_options(end_at_zero ? std::vector<std::size_t>{5, 7} : std::vector<std::size_t>{4, 6}), {});
      EXPECT_LT(search.held_out_uncertainty, 1e-2);
      ASSERT_EQ(search.budgets.size(), 2U);
      for (const BudgetSchedules& budget : search.budgets) {
        for (const ScheduleTrial& fixed : budget.fixed) {
          expect_schedule(problem, budget, fixed);
          EXPECT_LE(budget.own.training_score, fixed.training_score) << "its starts are among these";
          EXPECT_GE(fixed.held_out.value, budget.fixed[budget.best_fixed].held_out.value);
        }
        expect_schedule(problem, budget, budget.gits);
        expect_schedule(problem, budget, budget.own);
        EXPECT_LE(budget.own.training_score, budget.gits.training_score);
        EXPECT_NEAR(budget.own_gain.value, budget.fixed[budget.best_fixed].held_out.value - budget.own.held_out.value,
                    1e-12);
        for (const ScheduleTrial* other : {&budget.own, &budget.gits, &budget.fixed[budget.best_fixed]}) {
          EXPECT_LE(budget.returned().held_out.value, other->held_out.value);
        }
      }
      EXPECT_GT(search.own_gain.value, 2 * search.own_gain.standard_error) << solver << " " << end_at_zero;
    }
  }
}

TEST(ScheduleSearch, HasTheSameBitsForEveryBatchAndThreadCount) {
  ScheduleProblem problem = small_problem("ipndm3");
  const ScheduleSearchOptions options = small_options({4, 5});
  const ScheduleSearch one = search_schedules(problem, options, {});
  ThreadPool pool(3);
  problem.batch = 7;
  const ScheduleSearch other = search_schedules(problem, options, {.pool = &pool});
  EXPECT_EQ(one.costs.values, other.costs.values);
  EXPECT_EQ(one.paths, other.paths);
  for (std::size_t b = 0; b < 2; ++b) {
    EXPECT_EQ(one.budgets[b].own.levels, other.budgets[b].own.levels);
    EXPECT_EQ(one.budgets[b].own.errors, other.budgets[b].own.errors);
    EXPECT_EQ(one.budgets[b].own_gain.value, other.budgets[b].own_gain.value);
  }
}

TEST(ScheduleSearch, GivesTheLevelThatAnAnalyticalFirstStepMakesFree) {
  ScheduleProblem problem = small_problem("ipndm3");
  problem.sampling.analytical_first_step = true;
  const ScheduleSearch search = search_schedules(problem, small_options({5}), {});
  EXPECT_EQ(search.budgets[0].steps, 6U);
  expect_schedule(problem, search.budgets[0], search.budgets[0].gits);
  expect_schedule(problem, search.budgets[0], search.budgets[0].own);
}

/// Counts the states that it is asked for.
class Counting final : public ForwardingField {
 public:
  using ForwardingField::ForwardingField;
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override {
    asked += static_cast<double>(x.rows);
    return field_.ask(x, sigma, labels, request, context);
  }
  mutable double asked = 0;
};

TEST(ScheduleSearch, CostsAboutWhatIsExpected) {
  for (const char* solver : {"euler", "ipndm3"}) {
    const ScheduleProblem problem = small_problem(solver, true);
    const Counting field(problem.sampling.field);
    const ScheduleSearchOptions options = small_options({5, 8});
    (void)exact_ends(with_field(field, problem), options.held_out, options.reference_steps, {});
    EXPECT_EQ(field.asked, 64 * (4 * (60 + 30) - 6)) << "the last steps, to 0, take one each of the four";
    field.asked = 0;
    (void)search_schedules(with_field(field, problem), options, {});
    const SearchCost cost = expected_cost(options);
    EXPECT_GT(field.asked, cost.all / 2) << solver;
    EXPECT_LT(field.asked, cost.all * 2) << solver;
    EXPECT_EQ(cost.exact_ends, 6 * 60 * (64 + 48));
  }
}

TEST(ScheduleSearch, SettlesWhatTheExactEndsAreSureEnoughFor) {
  ScheduleSearch search;
  search.training_uncertainty = 0.02;
  search.held_out_uncertainty = 0.01;
  EXPECT_EQ(search.uncertainty(), 0.02);
  BudgetSchedules budget;
  budget.fixed.emplace_back();
  budget.fixed_is_better = true;
  budget.fixed[0].held_out.value = 0.21;
  EXPECT_TRUE(search.is_settled(budget));
  budget.fixed[0].held_out.value = 0.19;
  EXPECT_FALSE(search.is_settled(budget));
}

std::string refusal(const ScheduleProblem& problem, const ScheduleSearchOptions& options) {
  try {
    search_schedules(problem, options, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(ScheduleSearch, RefusesWithReasons) {
  EXPECT_THAT(refusal(small_problem("posterior"), small_options({5})), HasSubstr("adds noise"));
  EXPECT_THAT(refusal(small_problem("ipndm4"), small_options({3})), HasSubstr("take at least 4"));
  EXPECT_THAT(refusal(small_problem("euler"), small_options({1})), HasSubstr("at least 2 steps"));
  EXPECT_THAT(refusal(small_problem("heun", true), small_options({6})), HasSubstr("3, 5, 7, 9"));
  EXPECT_THAT(refusal(small_problem("euler"), small_options({40})), HasSubstr("finer --grid"));
  ScheduleSearchOptions options = small_options({5});
  options.held_out.push_back(kFirstTrainingSeed + 3);
  EXPECT_THAT(refusal(small_problem("euler"), options), HasSubstr("hold out others"));
  options = small_options({5});
  options.teacher = "eulr";
  EXPECT_THAT(refusal(small_problem("euler"), options), HasSubstr("'euler'"));
  options.teacher = "posterior";
  EXPECT_THAT(refusal(small_problem("euler"), options), HasSubstr("teacher"));
}

}  // namespace
}  // namespace scorefield

// The schedule of least error for a solver and a number of evaluations, judged on noise that the search did not see.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scorefield/metrics/intervals.h"
#include "scorefield/search/cheapest_paths.h"
#include "scorefield/search/euler_costs.h"
#include "scorefield/search/schedule_problem.h"

namespace scorefield {

/// The first of the seeds that a search learns from; held-out seeds lie below.
inline constexpr std::uint64_t kFirstTrainingSeed = std::uint64_t{1} << 32;

struct ScheduleSearchOptions {
  /// Evaluations of the field to find a schedule for, each once, ascending.
  std::vector<std::size_t> budgets;
  std::string teacher = "ipndm4";  // of GITS's fine trajectory; an ODE sampler
  std::size_t grid = 61;           // levels of that, polynomial
  CostMetric metric = CostMetric::kL2;
  double coefficient = 1.15;  // of cheapest_paths()
  /// Seeds kFirstTrainingSeed, ... that the search learns from.
  std::size_t training = 256;
  std::vector<std::uint64_t> held_out;
  std::size_t reference_steps = 200;  // of exact_ends()
};

/// A schedule and how it does.
struct ScheduleTrial {
  std::string name;  // "polynomial", ..., "gits", "own-error"
  std::vector<double> levels;
  double training_score = 0;   // what the search makes least: mean root of the end-point errors on its own noise
  std::vector<double> errors;  // end-point errors of the held-out seeds
  Estimate held_out;           // of those
};

struct BudgetSchedules {
  std::size_t nfe = 0;
  std::size_t steps = 0;
  std::vector<ScheduleTrial> fixed;  // fixed_schedule_names()
  ScheduleTrial gits;                // the cheapest path of Euler steps
  ScheduleTrial own;                 // least error of the solver itself
  std::size_t trials = 0;            // schedules that were tried on the noise of the search
  std::size_t best_fixed = 0;        // of least held-out error
  Estimate own_gain;                 // best fixed - own, paired over the held-out seeds, data units
  Estimate gits_gain;                // best fixed - gits
  /// Neither of the two that were found did better than the best fixed one on held-out noise: that one is to be used.
  bool fixed_is_better = false;

  /// The best of them on held-out noise.
  const ScheduleTrial& returned() const {
    if (fixed_is_better) return fixed[best_fixed];
    return gits_gain.value > own_gain.value ? gits : own;
  }
};

struct ScheduleSearch {
  CostMatrix costs;
  std::vector<std::vector<std::size_t>> paths;  // cheapest_paths() of these costs, [steps - 1]
  double training_uncertainty = 0;              // of the exact end points, as ExactEnds has it
  double held_out_uncertainty = 0;
  std::vector<BudgetSchedules> budgets;
  bool complete = true;  // false: stopped early; budgets holds those that were finished

  /// The larger of the two.
  double uncertainty() const { return std::max(training_uncertainty, held_out_uncertainty); }
  /// Whether the exact end points are known well enough for a budget: to a tenth of the error that it leaves.
  bool is_settled(const BudgetSchedules& budget) const {
    return uncertainty() <= 0.1 * budget.returned().held_out.value;
  }
  /// best fixed - found, mean over budgets for each held-out seed: mean and standard error over the seeds.
  Estimate own_gain;
  Estimate gits_gain;
};

/// GITS for all budgets at once. Then for each budget the levels are moved (move_levels()) to where the end-point
/// errors of the problem's own solver on the training noise are least (the mean of their square roots), from the better
/// ones of: the GITS path, the fixed schedules, and the last budget's schedule with a level more. Each is judged on the
/// held-out seeds. Cancelled after a budget was finished it returns those; before that it throws Cancelled. Throws
/// Error, with the reason, for a solver that has no end point to judge (stochastic, adaptive), a budget that it cannot
/// use up or that is too small for it, held-out seeds among the training seeds, and as its parts.
ScheduleSearch search_schedules(const ScheduleProblem& problem, const ScheduleSearchOptions& options,
                                const Context& context);

/// About how many evaluations of the field a search makes, over all seeds, to a factor of 2 or so.
struct SearchCost {
  double exact_ends = 0;
  double all = 0;
};
SearchCost expected_cost(const ScheduleSearchOptions& options);

/// What search_schedules() checks before it starts; throws Error.
void check_search(const ScheduleProblem& problem, const ScheduleSearchOptions& options);
void check_search_solver(const SamplerEntry& solver);

/// Why a budget is none for the problem's solver, and which would be; empty: it is one.
std::string budget_fault(const ScheduleProblem& problem, std::size_t nfe);

}  // namespace scorefield

#include "scorefield/search/schedule_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/process/schedule.h"
#include "scorefield/search/move_levels.h"
#include "scorefield/search/remembering_field.h"

namespace scorefield {
namespace {

constexpr std::size_t kRefinedStarts = 2;  // the others are too far off to be worth their evaluations
constexpr double kTrials = 40;             // of a budget, an evaluation: what searches take, on mixtures and networks
constexpr std::size_t kMemories = 128;
constexpr std::size_t kMemoryBytes = std::size_t{1} << 28;

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The grid that GITS chooses from.
std::vector<double> fine_grid(const ScheduleProblem& problem, std::size_t levels) {
  if (levels < 3) throw Error(fmt::format("--grid {}: a grid to choose from has at least 3 levels", levels));
  return fixed_levels(problem, "polynomial", problem.end_at_zero ? levels : levels - 1);
}

/// One problem with the seeds that a search learns from.
class Search {
 public:
  Search(const ScheduleProblem& problem, const ScheduleSearchOptions& options, const Context& context)
      : options_(options),
        context_(context),
        field_(problem.sampling.field, kMemories, std::min(kMemoryBytes, context.memory_limit)),
        training_(with_field(field_, problem)),
        problem_(problem),
        seeds_(options.training) {
    std::iota(seeds_.begin(), seeds_.end(), kFirstTrainingSeed);
  }

  ScheduleSearch run() {
    ScheduleSearch found;
    found.costs = euler_costs(problem_, fine_grid(problem_, options_.grid), find_sampler(options_.teacher),
                              options_.metric, seeds_, context_);
    found.paths = cheapest_paths(found.costs, options_.coefficient, steps_of(problem_, options_.budgets.back()));
    learned_ = exact_ends(problem_, seeds_, options_.reference_steps, context_);
    judged_ = exact_ends(problem_, options_.held_out, options_.reference_steps, context_);
    found.training_uncertainty = learned_.uncertainty;
    found.held_out_uncertainty = judged_.uncertainty;
    report();
    for (const std::size_t nfe : options_.budgets) {
      try {
        found.budgets.push_back(schedules_of(nfe, found));
        ++finished_;
        trials_ = 0;
        report();
      } catch (const Cancelled&) {
        if (found.budgets.empty()) throw;
        found.complete = false;
        break;
      }
    }
    found.own_gain = mean_gain(found.budgets, &BudgetSchedules::own);
    found.gits_gain = mean_gain(found.budgets, &BudgetSchedules::gits);
    return found;
  }

 private:
  /// How many trials a budget takes is not known before; the share that is told never goes back.
  void report() const {
    double share = 0;
    if (finished_ < options_.budgets.size()) {
      const auto nfe = static_cast<double>(options_.budgets[finished_]);
      share = 1 - std::exp(-static_cast<double>(trials_) / (kTrials * nfe));
    }
    context_.report("schedules", static_cast<double>(finished_) + share, static_cast<double>(options_.budgets.size()));
  }

  /// The mean of the square roots. Few samples end at another component or row, where the flow parts, and are far off:
  /// in a plain mean they outweigh all others, and a search fits those few of its own noise instead of coming close.
  double training_score(const std::vector<double>& levels) {
    ++trials_;
    report();
    std::vector<double> errors = end_point_errors(training_, levels, learned_, context_);
    for (double& error : errors) error = std::sqrt(error);
    return mean_of(errors);
  }

  ScheduleTrial trial(std::string name, std::vector<double> levels) {
    ScheduleTrial made{std::move(name), std::move(levels), 0, {}, {}};
    made.training_score = training_score(made.levels);
    return made;
  }

  BudgetSchedules schedules_of(std::size_t nfe, const ScheduleSearch& found) {
    BudgetSchedules budget;
    budget.nfe = nfe;
    budget.steps = steps_of(problem_, nfe);
    trials_ = 0;
    for (const std::string& name : fixed_schedule_names()) {
      budget.fixed.push_back(trial(name, fixed_levels(problem_, name, budget.steps)));
    }
    budget.gits = trial("gits", gits_levels(found, budget.steps));
    budget.own = move_from(starts(budget));
    last_ = budget.own.levels;
    budget.trials = trials_;
    judge(budget);
    return budget;
  }

  std::vector<double> levels_of(const CostMatrix& costs, const std::vector<std::size_t>& path) const {
    std::vector<double> levels;
    for (const std::size_t node : path) {
      const bool is_end = node == 0 || (node + 1 == costs.levels.size());
      // Rounding must not take a level below the least one, from where no search could move it back.
      levels.push_back(is_end ? costs.levels[node] : std::max(rounded_level(costs.levels[node]), problem_.sigma_min));
    }
    return levels;
  }

  /// The cheapest path; where the first evaluation is free, with the level after the first that serves the solver best.
  std::vector<double> gits_levels(const ScheduleSearch& found, std::size_t steps) {
    if (!problem_.sampling.analytical_first_step) return levels_of(found.costs, found.paths[steps - 1]);
    const std::vector<std::size_t>& path = found.paths[steps - 2];
    std::vector<double> best;
    double least = 0;
    for (std::size_t extra = 1; extra < path[1]; ++extra) {
      std::vector<std::size_t> longer = path;
      longer.insert(longer.begin() + 1, extra);
      std::vector<double> levels = levels_of(found.costs, longer);
      const double error = training_score(levels);
      if (!best.empty() && !(error < least)) continue;
      best = std::move(levels);
      least = error;
    }
    return best.empty() ? levels_of(found.costs, found.paths[steps - 1]) : best;
  }

  /// Schedules to move from, the best first.
  std::vector<ScheduleTrial> starts(const BudgetSchedules& budget) {
    std::vector<ScheduleTrial> all = budget.fixed;
    all.push_back(budget.gits);
    if (last_.size() == budget.steps) {
      for (std::size_t k = 1; k < last_.size(); ++k) {
        const double below = last_[k] > 0 ? last_[k] : std::max(problem_.sigma_min, last_[k - 1] / 4);
        const double level = rounded_level(std::sqrt(last_[k - 1] * below));
        if (!(level < last_[k - 1] && level > last_[k])) continue;
        std::vector<double> levels = last_;
        levels.insert(levels.begin() + static_cast<std::ptrdiff_t>(k), level);
        all.push_back(trial("own-error", std::move(levels)));
      }
    }
    std::ranges::stable_sort(all, {}, &ScheduleTrial::training_score);
    return all;
  }

  ScheduleTrial move_from(const std::vector<ScheduleTrial>& starts) {
    ScheduleTrial best{"own-error", {}, 0, {}, {}};
    MoveOptions options;
    // No use in levels far below the last one of the others: there is nothing left to resolve.
    options.least_sigma = problem_.sigma_min;
    for (std::size_t s = 0; s < std::min(kRefinedStarts, starts.size()); ++s) {
      MovedLevels moved = move_levels(
          starts[s].levels, [&](const std::vector<double>& levels) { return training_score(levels); }, options);
      if (s > 0 && !(moved.error < best.training_score)) continue;
      best.levels = std::move(moved.levels);
      best.training_score = moved.error;
    }
    return best;
  }

  void judge(BudgetSchedules& budget) {
    const auto judge_one = [&](ScheduleTrial& trial) {
      trial.errors = end_point_errors(problem_, trial.levels, judged_, context_);
      trial.held_out = mean_of_sample(trial.errors, 0);
    };
    for (ScheduleTrial& fixed : budget.fixed) judge_one(fixed);
    judge_one(budget.gits);
    judge_one(budget.own);
    const auto best =
        std::ranges::min_element(budget.fixed, {}, [](const ScheduleTrial& t) { return t.held_out.value; });
    budget.best_fixed = static_cast<std::size_t>(best - budget.fixed.begin());
    budget.own_gain = mean_of_sample(gains(budget, budget.own), 0);
    budget.gits_gain = mean_of_sample(gains(budget, budget.gits), 0);
    budget.fixed_is_better = !(budget.own_gain.value > 0 || budget.gits_gain.value > 0);
  }

  static std::vector<double> gains(const BudgetSchedules& budget, const ScheduleTrial& found) {
    std::vector<double> all = budget.fixed[budget.best_fixed].errors;
    for (std::size_t k = 0; k < all.size(); ++k) all[k] -= found.errors[k];
    return all;
  }

  Estimate mean_gain(const std::vector<BudgetSchedules>& budgets, ScheduleTrial BudgetSchedules::*which) const {
    std::vector<double> sums(options_.held_out.size());
    for (const BudgetSchedules& budget : budgets) {
      const std::vector<double> of_budget = gains(budget, budget.*which);
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += of_budget[k] / static_cast<double>(budgets.size());
    }
    return mean_of_sample(sums, 0);
  }

  const ScheduleSearchOptions& options_;
  const Context& context_;
  RememberingField field_;
  ScheduleProblem training_;  // on the field that remembers
  const ScheduleProblem& problem_;
  std::vector<std::uint64_t> seeds_;
  ExactEnds learned_;
  ExactEnds judged_;
  std::vector<double> last_;  // levels that were found for the last budget
  std::size_t finished_ = 0;  // budgets
  std::size_t trials_ = 0;    // of the next
};

}  // namespace

std::string budget_fault(const ScheduleProblem& problem, std::size_t nfe) {
  const SamplerEntry& solver = problem.sampling.sampler;
  const std::size_t steps = nfe == 0 ? 0 : steps_of(problem, nfe);
  if (steps > 0) {
    const std::size_t memory = solver.make(problem.sampling.options)->memory();
    if (steps >= memory) return {};
    return fmt::format(
        "{} evaluations are too few for {}: it steps with the last {} evaluations, and never has them; take at least "
        "{}, "
        "or a solver of lower order",
        nfe, solver.name, memory, nfe + memory - steps);
  }
  std::vector<std::size_t> near;
  for (std::size_t other = 1; other <= nfe + 4 && near.size() < 6; ++other) {
    if (other + 4 >= nfe && other != nfe && steps_of(problem, other) > 0) near.push_back(other);
  }
  std::string list;
  for (const std::size_t other : near) list += fmt::format("{}{}", list.empty() ? "" : ", ", other);
  return fmt::format(
      "no schedule makes {} of {} evaluations: a schedule to search for has at least 2 steps, and {} makes {} "
      "evaluations in a full one; near numbers that it can make: {}",
      solver.name, nfe, solver.name, solver.evaluations_per_step, list);
}

void check_search_solver(const SamplerEntry& solver) {
  if (solver.kind != SamplerKind::kOde) {
    throw Error(fmt::format(
        "{} adds noise, so its samples have no exact end points to be held against; take an ODE solver, e.g. ipndm3",
        solver.name));
  }
  if (solver.evaluations_per_step == 0) {
    throw Error(
        fmt::format("{} chooses its own steps; a schedule is for a solver that is given them, e.g. heun", solver.name));
  }
}

SearchCost expected_cost(const ScheduleSearchOptions& options) {
  const auto training = static_cast<double>(options.training);
  const auto held_out = static_cast<double>(options.held_out.size());
  SearchCost cost;
  // rk4, and once more with half the steps.
  cost.exact_ends = 6 * static_cast<double>(options.reference_steps) * (training + held_out);
  cost.all = cost.exact_ends + training * static_cast<double>(options.grid);
  for (const std::size_t budget : options.budgets) {
    const auto nfe = static_cast<double>(budget);
    // A level in the middle moves, so half of a trial is remembered.
    cost.all += training * kTrials * nfe * nfe / 2 + 5 * held_out * nfe;
  }
  return cost;
}

void check_search(const ScheduleProblem& problem, const ScheduleSearchOptions& options) {
  check_search_solver(problem.sampling.sampler);
  if (options.budgets.empty()) throw Error("no number of evaluations to find a schedule for");
  ensure(std::ranges::is_sorted(options.budgets), "budgets ascend");
  for (const std::size_t nfe : options.budgets) {
    if (const std::string fault = budget_fault(problem, nfe); !fault.empty()) throw Error(fault);
  }
  const SamplerEntry& teacher = find_sampler(options.teacher);
  if (teacher.kind != SamplerKind::kOde) {
    throw Error(
        fmt::format("--teacher {}: it must follow the probability flow, but this one adds noise", teacher.name));
  }
  check_paths(fine_grid(problem, options.grid).size(), options.coefficient, steps_of(problem, options.budgets.back()));
  if (options.training < 2) throw Error(fmt::format("--warmup {}: a search needs at least 2 seeds", options.training));
  if (options.held_out.size() < 2) throw Error("--seeds: a standard error needs at least 2 held-out seeds");
  for (const std::uint64_t seed : options.held_out) {
    if (seed >= kFirstTrainingSeed && seed - kFirstTrainingSeed < options.training) {
      throw Error(fmt::format("--seeds {}: the search learns from the seeds {} to {}; hold out others", seed,
                              kFirstTrainingSeed, kFirstTrainingSeed + options.training - 1));
    }
  }
}

ScheduleSearch search_schedules(const ScheduleProblem& problem, const ScheduleSearchOptions& options,
                                const Context& context) {
  check_search(problem, options);
  return Search(problem, options, context).run();
}

}  // namespace scorefield

#include "scorefield/search/work_precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/base/random.h"
#include "scorefield/field/forwarding_field.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/adaptive.h"

namespace scorefield {
namespace {

std::string schedule_by_name(const std::string& name) {
  for (const ScheduleEntry& entry : schedules()) {
    if (entry.name == name || std::ranges::find(entry.aliases, name) != entry.aliases.end()) {
      return std::string(entry.name);
    }
  }
  throw Error(unknown_name("schedule", name, schedule_names()));
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

std::size_t evaluations_on(const ScheduleProblem& problem, const SamplerEntry& solver,
                           const std::vector<double>& levels) {
  const Sampling& sampling = problem.sampling;
  return evaluations_of({.field = sampling.field,
                         .sampler = solver,
                         .levels = levels,
                         .process = sampling.process,
                         .options = sampling.options});
}

/// The fewest steps with which a solver is what it is called.
std::size_t least_steps(const ScheduleProblem& problem, const SamplerEntry& solver) {
  const std::size_t past = solver.make(problem.sampling.options)->memory();
  const std::size_t of_schedule = problem.end_at_zero ? 2 : 1;
  return past == 1 ? of_schedule : std::max(of_schedule, static_cast<std::size_t>(solver.order));
}

/// All runs of a solver on a schedule with at most `most` evaluations, the smallest first.
std::vector<SolverRun> all_runs(const ScheduleProblem& problem, const SamplerEntry& solver, const std::string& schedule,
                                std::size_t most) {
  std::vector<SolverRun> runs;
  for (std::size_t steps = least_steps(problem, solver);; ++steps) {
    SolverRun run{std::string(solver.name), schedule, {}, 0};
    run.levels = fixed_levels(problem, schedule, steps);
    run.evaluations = evaluations_on(problem, solver, run.levels);
    if (run.evaluations > most) return runs;
    runs.push_back(std::move(run));
  }
}

void check_plan(const std::vector<std::string>& solvers, const std::vector<std::string>& schedules,
                const std::vector<std::size_t>& budgets) {
  if (solvers.empty() || schedules.empty()) throw Error("a comparison needs at least one solver and one schedule");
  if (budgets.empty()) throw Error("a comparison needs a number of evaluations, such as 4-40");
}

/// A field that tells how far down the slowest sample of a reference is, whose steps nobody knows before. Of one
/// thread.
class Watched final : public ForwardingField {
 public:
  /// tell: a share of the way from the first level to the last, once for the looser solution and once for the tighter.
  Watched(const Field& field, double first, double last, std::function<void(double)> tell)
      : ForwardingField(field), first_(first), way_(std::log(first / last)), tell_(std::move(tell)) {}

  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override {
    // The tighter of the two takes more steps, of a method of order 5.
    const double looser = 1 / (1 + std::pow(10, 1.0 / 5));
    const double share = std::log(first_ / *std::ranges::max_element(sigma)) / way_;
    if (share == 0 && share_ > 0) begun_ = looser;
    share_ = std::max(share_, begun_ + (begun_ == 0 ? looser : 1 - looser) * share);
    tell_(share_);
    return field_.ask(x, sigma, labels, request, context);
  }

 private:
  double first_;
  double way_;
  std::function<void(double)> tell_;
  mutable double begun_ = 0;
  mutable double share_ = 0;
};

/// Root mean square distance of the rows from their mean.
double spread(const Rows& x) {
  double square = 0;
  for (std::size_t k = 0; k < x.cols(); ++k) {
    double mean = 0;
    for (std::size_t i = 0; i < x.rows(); ++i) mean += x(i, k) / static_cast<double>(x.rows());
    for (std::size_t i = 0; i < x.rows(); ++i) square += (x(i, k) - mean) * (x(i, k) - mean);
  }
  return std::sqrt(square / static_cast<double>(x.rows()));
}

}  // namespace

SolverRuns plan_solver_runs(const ScheduleProblem& problem, const std::vector<std::string>& solvers,
                            const std::vector<std::string>& schedules, const std::vector<std::size_t>& budgets) {
  check_plan(solvers, schedules, budgets);
  std::vector<std::string> solver_names;
  std::vector<std::string> names;
  for (const std::string& solver : solvers) add_once(solver_names, std::string(find_sampler(solver).name));
  for (const std::string& schedule : schedules) add_once(names, schedule_by_name(schedule));
  std::vector<std::size_t> ascending = budgets;
  std::ranges::sort(ascending);

  SolverRuns plan;
  for (const std::string& name : solver_names) {
    const SamplerEntry& solver = find_sampler(name);
    if (solver.evaluations_per_step == 0) {
      throw Error(fmt::format(
          "{} chooses its own steps, so it has no run of a given number of evaluations; take others, e.g. heun", name));
    }
    bool has_run = false;
    for (const std::string& schedule : names) {
      const std::vector<SolverRun> runs = all_runs(problem, solver, schedule, ascending.back());
      const SolverRun* last = nullptr;
      std::size_t too_few = 0;
      for (const std::size_t budget : ascending) {
        const SolverRun* run = nullptr;
        for (const SolverRun& candidate : runs) run = candidate.evaluations <= budget ? &candidate : run;
        if (run == nullptr) too_few = budget;
        if (run == last || run == nullptr) continue;
        plan.runs.push_back(*run);
        last = run;
      }
      has_run = has_run || last != nullptr;
      if (too_few == 0) continue;
      const std::vector<double> least = fixed_levels(problem, schedule, least_steps(problem, solver));
      const std::string reason = fmt::format("{} needs at least {} evaluations ({} steps)", name,
                                             evaluations_on(problem, solver, least), least.size() - 1);
      if (last == nullptr) throw Error(fmt::format("--nfe: {}; at most {} are allowed", reason, ascending.back()));
      add_once(plan.left_out, reason);
    }
  }
  const auto place = [&](const SolverRun& run) {
    return std::pair(std::ranges::find(names, run.schedule) - names.begin(), run.levels.size());
  };
  std::ranges::stable_sort(plan.runs, {}, place);
  return plan;
}

FlowEnds flow_ends(const ScheduleProblem& problem, std::span<const std::uint64_t> seeds, double tolerance,
                   const Context& context) {
  const Field& field = problem.sampling.field;
  const double last = last_flow_level(problem, 16);
  const std::span<const int> label(&problem.label, 1);
  const std::vector<double> levels = {problem.sigma_max, last};
  FlowEnds found;
  found.x = Rows(seeds.size(), field.dimension());
  for (std::size_t first = 0; first < seeds.size(); first += problem.batch) {
    const auto some = seeds.subspan(first, std::min(problem.batch, seeds.size() - first));
    const Rows start = states_from_noise({.field = field,
                                          .sampler = problem.sampling.sampler,
                                          .levels = levels,
                                          .process = problem.sampling.process,
                                          .start = problem.sampling.start},
                                         initial_noise(some, field.dimension()));
    const Watched watched(field, levels.front(), levels.back(), [&](double share) {
      context.report("reference", static_cast<double>(first) + share * static_cast<double>(some.size()),
                     static_cast<double>(seeds.size()));
    });
    const ReferencePath path = solve_reference(watched, start.view(), levels, label, tolerance, context);
    Rows ends = path.x.back();
    if (problem.end_at_zero) ends = field.ask(ends.view(), {&last, 1}, label, {}, context).denoised;
    std::ranges::copy(ends.values(), found.x[first].begin());
    const auto difference = path.error[path.error.rows() - 1];
    found.difference.insert(found.difference.end(), difference.begin(), difference.end());
    found.distance.insert(found.distance.end(), path.last_distance.begin(), path.last_distance.end());
    for (const std::size_t count : path.evaluations) {
      found.evaluations += static_cast<double>(count) / static_cast<double>(seeds.size());
    }
    context.report("reference", static_cast<double>(first + some.size()), static_cast<double>(seeds.size()));
  }
  return found;
}

FlowReference::FlowReference(const Dataset* data, std::vector<std::uint64_t> seeds, Rows ends,
                             const SlicedOptions& sliced, const Context& context)
    : seeds_(std::move(seeds)), ends_(std::move(ends)), scale_(spread(ends_)) {
  ensure(ends_.rows() == seeds_.size() && !seeds_.empty(), "one end a seed");
  if (data == nullptr) return;
  rows_.emplace(OfRows{*data, nearest_two(*data, ends_.view(), context), SlicedWasserstein(*data, sliced, context)});
}

const FlowReference::OfRows& FlowReference::rows() const {
  ensure(rows_.has_value(), "a reference with data");
  return *rows_;
}

std::optional<Estimate> FlowReference::distance(const Rows& x, const Context& context) const {
  if (!rows_) return std::nullopt;
  return rows_->sliced.distance(x.view(), context);
}

Estimate FlowReference::data_distance(std::size_t draws, const Context& context) const {
  const OfRows& of = rows();
  std::vector<double> values(draws);
  Rows drawn(ends_.rows(), ends_.cols());
  for (std::size_t draw = 0; draw < draws; ++draw) {
    const RandomStream random(draw, Purpose::kSubset, 1);
    for (std::size_t i = 0; i < drawn.rows(); ++i) of.data.row(random.below(i, of.data.size()), drawn[i]);
    values[draw] = of.sliced.distance(drawn.view(), context).value;
  }
  const Estimate mean = mean_of_sample(values, 0);
  return {mean.value, mean.standard_error * std::sqrt(static_cast<double>(draws))};
}

std::size_t FlowReference::other_rows(const Rows& x, std::span<const double> errors, const Context& context) const {
  const OfRows& of = rows();
  // By the triangle inequality the nearest row is the same while 2 |x - end| < d2 - d1; only others are searched.
  std::vector<std::size_t> far;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    if (!(2 * errors[i] < of.nearest.d2[i] - of.nearest.d1[i])) far.push_back(i);
  }
  Rows unsure(far.size(), x.cols());
  for (std::size_t k = 0; k < far.size(); ++k) std::ranges::copy(x[far[k]], unsure[k].begin());
  std::size_t others = 0;
  if (!far.empty()) {
    const NearestTwo nearest = nearest_two(of.data, unsure.view(), context);
    for (std::size_t k = 0; k < far.size(); ++k) others += nearest.index1[k] != of.nearest.index1[far[k]] ? 1 : 0;
  }
  return others;
}

EndPointErrors FlowReference::errors(const Rows& x, const Context& context) const {
  ensure(x.rows() == ends_.rows() && x.cols() == ends_.cols(), "one end a seed");
  std::vector<double> errors = distances(x, ends_);
  EndPointErrors found;
  if (rows_) found.other_row = binomial_interval(other_rows(x, errors, context), x.rows());
  found.error = mean_of_sample(errors, 0);
  found.relative = found.error.value / scale_;
  std::ranges::sort(errors);
  found.low = quantile_of_sample(errors, 0.1, 0).value;
  found.median = quantile_of_sample(errors, 0.5, 0).value;
  found.high = quantile_of_sample(errors, 0.9, 0).value;
  return found;
}

std::vector<std::size_t> pareto_front(std::span<const double> cost, std::span<const double> error) {
  ensure(cost.size() == error.size(), "a cost and an error a point");
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < cost.size(); ++i) {
    if (std::isfinite(cost[i]) && std::isfinite(error[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return std::pair(cost[i], error[i]); });
  std::vector<std::size_t> front;
  for (const std::size_t i : order) {
    if (front.empty() || error[i] < error[front.back()]) front.push_back(i);
  }
  return front;
}

}  // namespace scorefield

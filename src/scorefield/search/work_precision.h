// Error against cost: how far solvers end from where the probability flow takes the same noise, for how many
// evaluations of the field.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scorefield/data/dataset.h"
#include "scorefield/metrics/intervals.h"
#include "scorefield/metrics/neighbours.h"
#include "scorefield/metrics/sliced_wasserstein.h"
#include "scorefield/search/schedule_problem.h"

namespace scorefield {

/// A solver on a schedule.
struct SolverRun {
  std::string solver;    // SamplerEntry::name
  std::string schedule;  // ScheduleEntry::name
  std::vector<double> levels;
  std::size_t evaluations = 0;  // of the field, a sample, as the run takes them

  std::size_t steps() const { return levels.size() - 1; }
};

struct SolverRuns {
  /// By schedule, number of levels and solver: runs with the same first evaluations lie together.
  std::vector<SolverRun> runs;
  /// Why a solver has no run at one of the budgets, a line each.
  std::vector<std::string> left_out;
};

/// For every solver, schedule and budget the run with the most noise levels whose evaluations do not exceed the budget;
/// one run where that is the same for several budgets. `problem`: range of sigma, end and process of the runs; its
/// solver is not used.
/// Throws Error, with the reason, for empty lists, unknown names, a solver that chooses its own steps (adaptive), and
/// one that has no run at all.
SolverRuns plan_solver_runs(const ScheduleProblem& problem, const std::vector<std::string>& solvers,
                            const std::vector<std::string>& schedules, const std::vector<std::size_t>& budgets);

/// Where the probability flow ends.
struct FlowEnds {
  Rows x;  // [S, d], data units
  /// [S]: largest difference over the values of a sample to the solution at ten times the tolerance, where the two meet
  /// the last noise level: about ten times the error of x, or as large in a field with kinks (a network).
  std::vector<double> difference;
  std::vector<double> distance;  // [S]: L2 of the two, there
  double evaluations = 0;        // of the field, mean over the samples, both solutions together
};

/// From the seeds' own start at sigma_max, with solve_reference() at `tolerance` and a tenth of it; where the runs end
/// at 0, down to last_flow_level(problem, 16) and from there to D. Throws Error as solve_reference().
FlowEnds flow_ends(const ScheduleProblem& problem, std::span<const std::uint64_t> seeds, double tolerance,
                   const Context& context);

/// How the run of an ODE solver ends, against the flow from the same noise.
struct EndPointErrors {
  Estimate error;       // L2 a sample, data units
  double relative = 0;  // its mean over FlowReference::scale
  double low = 0;       // quantiles 1/10, 1/2, 9/10 over the samples
  double median = 0;
  double high = 0;
  std::optional<Proportion> other_row;  // ends nearest to another training row than the flow does; none without rows
};

struct SolverResult {
  SolverRun run;
  std::optional<EndPointErrors> errors;  // none of a stochastic solver: it follows another path
  std::optional<Estimate> distance;      // to the data; none without
  double seconds = 0;                    // wall time, shared evaluations at what they took when they were made
};

/// What every run is held against.
class FlowReference {
 public:
  /// data: null for a field that is compared without any; must live as long. ends: [S, d], of `seeds`. Throws Error for
  /// shapes that do not fit.
  FlowReference(const Dataset* data, std::vector<std::uint64_t> seeds, Rows ends, const SlicedOptions& sliced,
                const Context& context);

  const std::vector<std::uint64_t>& seeds() const { return seeds_; }
  bool has_data() const { return rows_.has_value(); }
  /// With data only.
  const SlicedWasserstein& sliced() const { return rows().sliced; }
  /// Root mean square distance of the ends from their own mean, data units.
  double scale() const { return scale_; }
  /// Of x, [S, d], to the data; none without.
  std::optional<Estimate> distance(const Rows& x, const Context& context) const;
  /// Of the ends themselves.
  std::optional<Estimate> distance(const Context& context) const { return distance(ends_, context); }
  /// Data against data: of as many rows as there are seeds, drawn with replacement, over `draws` draws: mean, and their
  /// standard deviation in place of an error. With data only.
  Estimate data_distance(std::size_t draws, const Context& context) const;
  /// x: [S, d].
  EndPointErrors errors(const Rows& x, const Context& context) const;

 private:
  struct OfRows {
    const Dataset& data;
    NearestTwo nearest;  // of the ends
    SlicedWasserstein sliced;
  };
  const OfRows& rows() const;
  std::size_t other_rows(const Rows& x, std::span<const double> errors, const Context& context) const;

  std::vector<std::uint64_t> seeds_;
  Rows ends_;
  std::optional<OfRows> rows_;
  double scale_ = 0;
};

/// The indices of the points that no other one beats (no dearer and no worse, and better in one of the two), by cost;
/// of equal points the first. Points that are not finite are on no front.
std::vector<std::size_t> pareto_front(std::span<const double> cost, std::span<const double> error);

}  // namespace scorefield

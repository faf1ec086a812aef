// What a schedule search is about, and how a schedule is judged: by how far its samples end from where the probability
// flow takes the same noise.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

/// A run in everything but its noise levels.
struct ScheduleProblem {
  Sampling sampling;  // its levels are not used
  /// First level and last level above 0 of a fixed schedule, data units. A found one keeps the first, and the last
  /// where the run ends there.
  double sigma_max = 80;
  double sigma_min = 0.002;
  double rho = 7;  // of the polynomial schedule
  /// Whether a last step goes from the last level to 0. Otherwise the run, and with it the flow, ends at sigma_min.
  bool end_at_zero = true;
  /// Seeds that run at a time; changes no result.
  std::size_t batch = 256;
  /// Under which the field is asked; -1: none.
  int label = -1;
  /// The least noise level that the field knows, data units: the flow goes no further down, and from there to D.
  double least_sigma = 0;
};

/// `problem` in another field, which must live as long.
ScheduleProblem with_field(const Field& field, const ScheduleProblem& problem);

/// The last level above 0 of what stands for the flow: sigma_min, or where the runs end at 0 sigma_min / `parts`, as
/// the Euler step from there to 0 has an error of its own, of the order of its square; never below least_sigma.
double last_flow_level(const ScheduleProblem& problem, double parts);

/// The schedules that everybody has, of noise_levels().
std::vector<std::string> fixed_schedule_names();

/// One of them with so many steps: `steps` + 1 levels, the last of them sigma_min or 0. Throws Error as noise_levels().
std::vector<double> fixed_levels(const ScheduleProblem& problem, const std::string& name, std::size_t steps);

/// Steps that make exactly `nfe` evaluations of the field; 0 where no number of steps does (a method of two evaluations
/// a step has every other number).
std::size_t steps_of(const ScheduleProblem& problem, std::size_t nfe);

/// Where the probability flow ends.
struct ExactEnds {
  std::vector<std::uint64_t> seeds;
  Rows x;  // [S, d], data units
  /// Mean L2 distance to the same with half the steps; for a method of order 4 some 15 times the error of x itself.
  /// What the rounding of a field in float32 does is in it once, as both have their own.
  double uncertainty = 0;
};

/// By rk4 with `steps` polynomial steps from the seeds' own start; where the run ends at 0, down to
/// last_flow_level(problem, 16) and from there to D. Throws Error for less than 2 steps.
ExactEnds exact_ends(const ScheduleProblem& problem, std::span<const std::uint64_t> seeds, std::size_t steps,
                     const Context& context);

/// The end points of every seed under one label (-1: none), [S, d], data units, `batch` seeds at a time. what: of the
/// progress; empty: none is reported.
Rows end_points(const Sampling& sampling, std::span<const std::uint64_t> seeds, int label, std::size_t batch,
                std::string_view what, const Context& context);

/// |a - b| of each row, data units.
std::vector<double> distances(const Rows& a, const Rows& b);

/// |x - exact| of each seed when the run has these levels, data units.
std::vector<double> end_point_errors(const ScheduleProblem& problem, const std::vector<double>& levels,
                                     const ExactEnds& ends, const Context& context);

}  // namespace scorefield

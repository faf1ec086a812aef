// The comparison of solvers as a job: into a run folder, resumable.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "scorefield/run/run_folder.h"
#include "scorefield/search/work_precision.h"

namespace scorefield {

struct SolverComparison {
  /// Of the field, and what ends are held against; null for a network that is compared without any.
  const Dataset* data = nullptr;
  /// Of all runs; its field is the one that they ask.
  ScheduleProblem problem;
  /// That the reference asks, in double precision where the field can be had in it.
  const Field& precise;
  bool is_double = true;  // whether it was
  SolverRuns plan;
  std::vector<std::uint64_t> seeds;
  double tolerance = 1e-3;  // of flow_ends()
  SlicedOptions sliced;
};

/// What the runs were held against.
struct ReferenceSummary {
  double evaluations = 0;        // FlowEnds
  double median_difference = 0;  // of FlowEnds::difference
  double largest_difference = 0;
  double mean_distance = 0;  // of FlowEnds::distance
  /// Samples whose difference is over 100 times the tolerance: there the two solutions part, and even the tighter one
  /// may end at another row than the flow.
  std::size_t unsettled = 0;
  double scale = 0;       // FlowReference
  double last_level = 0;  // last_flow_level(): from there to D, where the runs end at 0
  // With data:
  std::optional<Estimate> distance;       // of the flow's own ends to the data
  std::optional<Estimate> data_distance;  // FlowReference::data_distance()
  std::size_t projections = 0;
  std::size_t rows = 0;
  double seconds = 0;  // of the flow, in the process that solved it
};

struct SolverReport {
  ReferenceSummary reference;
  std::vector<SolverResult> results;  // in the order of the plan, those that are finished
  std::size_t requested = 0;
  std::size_t shared_evaluations = 0;  // that came from memory, in this process

  bool complete() const { return results.size() == requested; }
};

/// The ODE results that no other one beats, evaluations against mean error, as indices into `results`; where there is
/// no ODE solver, evaluations against sliced Wasserstein distance.
std::vector<std::size_t> front_of(const std::vector<SolverResult>& results);

/// The flow once, then every run that the folder does not hold yet. Runs share what the field answered to the same
/// states: at sigma_max all of them, further on those whose first steps are the same. Writes
///   reference.npz  x [S, d], difference [S], seeds: FlowEnds
///   stats.jsonl    a line a run, as it is finished
///   solvers.csv, report.json, figures (write_solver_figures)
/// But for times nothing depends on threads or on how often the run was interrupted. When cancelled it writes the same
/// for the runs that are finished and returns, or throws Cancelled when there are none.
SolverReport compare_solvers(const SolverComparison& comparison, RunFolder& folder, const Context& context);

/// The unit that compare_solvers() marks done in the folder of a complete comparison.
inline constexpr const char* kSolversDone = "solvers";

}  // namespace scorefield

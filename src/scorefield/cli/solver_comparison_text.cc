#include "scorefield/cli/solver_comparison_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace scorefield {
namespace {

constexpr Estimate kNone = {};

std::vector<std::string> distinct(const std::vector<SolverRun>& runs, std::string SolverRun::*part) {
  std::vector<std::string> found;
  for (const SolverRun& run : runs) {
    if (std::ranges::find(found, run.*part) == found.end()) found.push_back(run.*part);
  }
  return found;
}

/// The finished run of most evaluations within a budget; null where there is none.
const SolverResult* result_within(const SolverReport& report, const std::string& solver, const std::string& schedule,
                                  std::size_t budget) {
  const SolverResult* best = nullptr;
  for (const SolverResult& result : report.results) {
    const SolverRun& run = result.run;
    if (run.solver != solver || run.schedule != schedule || run.evaluations > budget) continue;
    if (best == nullptr || run.evaluations > best->run.evaluations) best = &result;
  }
  return best;
}

/// The value; where the run takes fewer evaluations than the column says, their number after an @.
std::string cell(const SolverResult* result, double value, std::size_t budget) {
  if (result == nullptr) return "-";
  std::string text = fmt::format("{:.3g}", value);
  if (result->run.evaluations != budget) text += fmt::format("@{}", result->run.evaluations);
  return text;
}

std::string schedule_table(const SolverReport& report, const std::string& schedule,
                           const std::vector<std::string>& solvers, const std::vector<std::size_t>& budgets) {
  std::string text = fmt::format("\n{:<18}", schedule);
  for (const std::size_t budget : budgets) text += fmt::format(" {:>9}", budget);
  text += "\n";
  for (const std::string& solver : solvers) {
    text += fmt::format("  {:<16}", solver);
    for (const std::size_t budget : budgets) {
      const SolverResult* result = result_within(report, solver, schedule, budget);
      double value = 0;
      if (result != nullptr)
        value = result->errors ? result->errors->error.value : result->distance.value_or(kNone).value;
      text += fmt::format(" {:>9}", (result != nullptr && !result->errors ? "W " : "") + cell(result, value, budget));
    }
    text += "\n";
  }
  return text;
}

std::string distance_text(const Estimate& distance) {
  return fmt::format("{:.4g} ±{:.1g}", distance.value, distance.standard_error);
}

std::string front_table(const SolverReport& report) {
  const bool has_data = report.reference.distance.has_value();
  std::string text = fmt::format("\n{:>4} {:>6}  {:<16} {:<12} {:>18} {:>9} {:>9}", "NFE", "steps", "solver",
                                 "schedule", "error", "relative", "median");
  if (has_data) text += fmt::format(" {:>10} {:>16}", "other row", "sliced W2");
  text += fmt::format(" {:>8}\n", "time");
  for (const std::size_t i : front_of(report.results)) {
    const SolverResult& result = report.results[i];
    text += fmt::format("{:>4} {:>6}  {:<16} {:<12}", result.run.evaluations, result.run.steps(), result.run.solver,
                        result.run.schedule);
    if (result.errors) {
      const EndPointErrors& e = *result.errors;
      text += fmt::format(" {:>18} {:>9.3g} {:>9.3g}",
                          fmt::format("{:.4g} ±{:.2g}", e.error.value, e.error.standard_error), e.relative, e.median);
    } else {
      text += fmt::format(" {:>18} {:>9} {:>9}", "-", "-", "-");
    }
    if (has_data) {
      const bool has_row = result.errors && result.errors->other_row;
      text +=
          fmt::format(" {:>10} {:>16}", has_row ? fmt::format("{:.1f}%", 100 * result.errors->other_row->value) : "-",
                      distance_text(result.distance.value_or(kNone)));
    }
    text += fmt::format(" {:>7.2f}s\n", result.seconds);
  }
  return text;
}

}  // namespace

std::string comparison_text(const SolverComparison& comparison, const SolverReport& report,
                            const std::vector<std::size_t>& budgets) {
  const ReferenceSummary& reference = report.reference;
  const bool has_ode = std::ranges::any_of(report.results, [](const SolverResult& r) { return r.errors.has_value(); });
  const bool has_sde = std::ranges::any_of(report.results, [](const SolverResult& r) { return !r.errors; });
  std::string text = fmt::format(
      "\nreference: rk45 {} at tolerance {:g}, {:.0f} evaluations a sample together with {:g}, from "
      "which\n  the largest value of a sample differs by {:.2g} (median; at most {:.2g}), in {} of {} samples by more "
      "than {:g};\n  the ends are {:.4g} from their mean (rms)\n",
      comparison.is_double ? "in double precision" : "on the network's float32", comparison.tolerance / 10,
      reference.evaluations, comparison.tolerance, reference.median_difference, reference.largest_difference,
      reference.unsettled, comparison.seeds.size(), 100 * comparison.tolerance, reference.scale);
  if (!comparison.is_double) {
    text += fmt::format(
        "  its two solutions end {:.2g} apart (mean L2), and the tighter may be off by as much: a network is rounded, "
        "and "
        "has\n  kinks; smaller errors than that are not told apart\n",
        reference.mean_distance);
  }
  const ScheduleProblem& problem = comparison.problem;
  if (problem.end_at_zero && reference.last_level > problem.sigma_min / 16) {
    text += fmt::format("  below sigma = {:g} the network knows no noise level: from there the reference goes to D\n",
                        reference.last_level);
  }
  if (has_ode) {
    text += fmt::format(
        "\nmean L2 distance of {} end points from the reference's [data units], by evaluations of the field\n",
        comparison.seeds.size());
  }
  const std::vector<std::string> solvers = distinct(comparison.plan.runs, &SolverRun::solver);
  for (const std::string& schedule : distinct(comparison.plan.runs, &SolverRun::schedule)) {
    text += schedule_table(report, schedule, solvers, budgets);
  }
  text += "x@n: the run takes n evaluations, the most that do not exceed the column's; -: none, or not finished\n";
  if (has_sde) {
    text +=
        "W x: a stochastic solver takes another path than the flow, so end points cannot be compared: its sliced "
        "W2\n";
  }
  if (report.shared_evaluations > 0) {
    text += fmt::format("{} evaluations were not made again: another run had asked for the same states\n",
                        report.shared_evaluations);
  }
  for (const std::string& reason : comparison.plan.left_out) text += fmt::format("left out: {}\n", reason);
  text += fmt::format("\nruns that no other one beats ({}):\n",
                      has_ode ? "evaluations and mean end-point error" : "evaluations and sliced W2");
  text += front_table(report);
  if (!reference.distance || !reference.data_distance) return text;
  text += fmt::format(
      "other row: share of the samples whose nearest training row is not the reference's\n"
      "sliced W2: to {} rows of the data on {} directions [data units]; the reference's ends {}, as many data\n"
      "  rows {:.4g} with standard deviation {:.1g}\n",
      reference.rows, reference.projections, distance_text(*reference.distance), reference.data_distance->value,
      reference.data_distance->standard_error);
  return text;
}

}  // namespace scorefield

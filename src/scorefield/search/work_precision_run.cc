#include "scorefield/search/work_precision_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/data/npz.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/search/remembering_field.h"
#include "scorefield/search/work_precision_figures.h"
#include "scorefield/search/work_precision_json.h"

namespace scorefield {
namespace {

constexpr std::size_t kDataDraws = 20;
constexpr std::size_t kMemories = 1024;
constexpr std::size_t kMemoryBytes = std::size_t{1} << 28;
constexpr const char* kFlowDone = "reference";

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void write_flow(const FlowEnds& flow, const std::vector<std::uint64_t>& seeds, double seconds,
                const std::filesystem::path& path) {
  NpzWriter npz(path);
  npz.add_array<double>("x", std::vector<std::size_t>{flow.x.rows(), flow.x.cols()}, flow.x.values());
  npz.add_array<double>("difference", std::vector<std::size_t>{seeds.size()}, flow.difference);
  npz.add_array<double>("distance", std::vector<std::size_t>{seeds.size()}, flow.distance);
  npz.add_array<std::uint64_t>("seeds", std::vector<std::size_t>{seeds.size()}, seeds);
  npz.add_array<double>("nfe_seconds", std::vector<std::size_t>{2}, std::vector<double>{flow.evaluations, seconds});
  npz.finish();
}

struct SolvedFlow {
  FlowEnds ends;
  double seconds = 0;
};

SolvedFlow read_flow(const std::filesystem::path& path, std::size_t rows, std::size_t cols, const Context& context) {
  const NpzFile npz = open_npz(path);
  const Array x = npz.read("x", context);
  if (x.shape != std::vector<std::size_t>{rows, cols}) {
    throw Error(fmt::format("{}: not the reference of this comparison; start in a new folder", path.string()));
  }
  SolvedFlow flow;
  flow.ends.x = Rows(rows, cols);
  std::ranges::copy(x.values<double>(), flow.ends.x.values().begin());
  const Array difference = npz.read("difference", context);
  flow.ends.difference.assign(difference.values<double>().begin(), difference.values<double>().end());
  const Array distance = npz.read("distance", context);
  flow.ends.distance.assign(distance.values<double>().begin(), distance.values<double>().end());
  const Array cost = npz.read("nfe_seconds", context);
  flow.ends.evaluations = cost.values<double>()[0];
  flow.seconds = cost.values<double>()[1];
  return flow;
}

/// From the folder, or solved and put there.
SolvedFlow flow_of(const SolverComparison& comparison, RunFolder& folder, const Context& context) {
  const std::filesystem::path path = folder / "reference.npz";
  if (folder.is_done(kFlowDone)) {
    return read_flow(path, comparison.seeds.size(), comparison.precise.dimension(), context);
  }
  const auto began = std::chrono::steady_clock::now();
  SolvedFlow flow;
  flow.ends =
      flow_ends(with_field(comparison.precise, comparison.problem), comparison.seeds, comparison.tolerance, context);
  flow.seconds = seconds_since(began);
  write_flow(flow.ends, comparison.seeds, flow.seconds, path);
  folder.mark_done(kFlowDone);
  return flow;
}

ReferenceSummary summarise(const SolvedFlow& flow, const SolverComparison& comparison, const FlowReference& reference,
                           const Context& context) {
  std::vector<double> difference = flow.ends.difference;
  std::ranges::sort(difference);
  ReferenceSummary summary;
  summary.evaluations = flow.ends.evaluations;
  summary.median_difference = quantile_of_sample(difference, 0.5, 0).value;
  summary.largest_difference = difference.back();
  summary.mean_distance = mean_of_sample(flow.ends.distance, 0).value;
  summary.unsettled = static_cast<std::size_t>(
      std::ranges::count_if(difference, [&](double value) { return value > 100 * comparison.tolerance; }));
  summary.scale = reference.scale();
  summary.last_level = last_flow_level(comparison.problem, 16);
  summary.seconds = flow.seconds;
  if (!reference.has_data()) return summary;
  summary.distance = reference.distance(context);
  summary.data_distance = reference.data_distance(kDataDraws, context);
  summary.projections = reference.sliced().projections();
  summary.rows = reference.sliced().rows();
  return summary;
}

SolverResult result_of(const SolverRun& run, const SolverComparison& comparison, const RememberingField& field,
                       const FlowReference& reference, const Context& context) {
  const Sampling& sampling = comparison.problem.sampling;
  const SamplerEntry& solver = find_sampler(run.solver);
  const auto began = std::chrono::steady_clock::now();
  const double saved = field.saved_seconds();
  const Rows x = end_points({.field = field,
                             .sampler = solver,
                             .levels = run.levels,
                             .process = sampling.process,
                             .start = sampling.start,
                             .options = sampling.options},
                            comparison.seeds, comparison.problem.label, comparison.problem.batch, "", context);
  SolverResult result{run, std::nullopt, std::nullopt, seconds_since(began) + field.saved_seconds() - saved};
  if (solver.kind == SamplerKind::kOde) result.errors = reference.errors(x, context);
  result.distance = reference.distance(x, context);
  return result;
}

void write_report(const SolverComparison& comparison, const SolverReport& report, const RunFolder& folder) {
  write_file_atomically(folder / "solvers.csv", results_csv(report.results));
  write_json(folder / "report.json", report_json(comparison, report));
  write_solver_figures(report, folder.path());
}

}  // namespace

std::vector<std::size_t> front_of(const std::vector<SolverResult>& results) {
  const bool has_ode = std::ranges::any_of(results, [](const SolverResult& r) { return r.errors.has_value(); });
  std::vector<double> cost;
  std::vector<double> error;
  for (const SolverResult& result : results) {
    cost.push_back(static_cast<double>(result.run.evaluations));
    double value = std::numeric_limits<double>::quiet_NaN();
    if (result.errors) value = result.errors->error.value;
    if (!has_ode && result.distance) value = result.distance->value;
    error.push_back(value);
  }
  return pareto_front(cost, error);
}

SolverReport compare_solvers(const SolverComparison& comparison, RunFolder& folder, const Context& context) {
  const std::vector<SolverRun>& runs = comparison.plan.runs;
  ensure(!runs.empty() && !comparison.seeds.empty(), "a comparison has runs and seeds");
  SolvedFlow flow = flow_of(comparison, folder, context);
  const FlowReference reference(comparison.data, comparison.seeds, flow.ends.x, comparison.sliced, context);

  SolverReport report;
  report.requested = runs.size();
  report.reference = summarise(flow, comparison, reference, context);
  const std::filesystem::path lines_path = folder / "stats.jsonl";
  const std::vector<nlohmann::json> lines = read_json_lines(lines_path, context);
  const RememberingField field(comparison.problem.sampling.field, kMemories,
                               std::min(kMemoryBytes, context.memory_limit / 4));
  std::size_t evaluations = 0;
  for (const SolverRun& run : runs) evaluations += run.evaluations;
  std::size_t made = 0;
  JsonLinesWriter writer(lines_path);
  try {
    for (const SolverRun& run : runs) {
      const auto line = std::ranges::find_if(lines, [&](const nlohmann::json& l) { return is_line_of(l, run); });
      if (line != lines.end()) {
        report.results.push_back(result_from_json(*line, run));
      } else {
        report.results.push_back(result_of(run, comparison, field, reference, context));
        writer.write(result_json(report.results.back()));
      }
      made += run.evaluations;
      context.report("solver runs", static_cast<double>(made), static_cast<double>(evaluations));
    }
  } catch (const Cancelled&) {
    if (report.results.empty()) throw;
  }
  report.shared_evaluations = field.remembered();
  write_report(comparison, report, folder);
  if (report.complete()) folder.mark_done(kSolversDone);
  return report;
}

}  // namespace scorefield

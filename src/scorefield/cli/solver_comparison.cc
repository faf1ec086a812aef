#include "scorefield/cli/solver_comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/field_flags.h"
#include "scorefield/cli/solver_comparison_text.h"

namespace scorefield {

struct ComparisonArguments {
  DataArguments data;
  MachineArguments machine;
  FieldArguments field;
  std::string solvers = "euler,heun,dpm2,ipndm3,deis2,dpmpp2m,dpmpp3m,unipc3-bh1";
  std::string schedules = "polynomial,logsnr,vp-uniform";
  std::string nfe = "4-40";
  std::string seeds = "0-63";
  ScheduleOptions ends;  // its name and steps are not used
  std::string end = "zero";
  std::string process;
  double tolerance = 1e-3;
  std::size_t projections = 256;
  std::size_t rows = 10000;
  std::size_t batch = 256;
};

namespace {

constexpr std::uint64_t kMostEvaluations = 1000;
constexpr double kLeastTolerance = 1e-12;
/// A network's answer carries 1e-6 of rounding: a solution at a tenth of this is as sure as its answers are.
constexpr double kLeastNetworkTolerance = 1e-5;

/// The pieces of a comma-separated list.
std::vector<std::string> pieces_of(const std::string& text, const char* flag) {
  std::vector<std::string> pieces;
  std::size_t from = 0;
  while (from <= text.size()) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    if (comma == from) throw Error(fmt::format("{} {}: nothing stands between two commas, or at an end", flag, text));
    pieces.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return pieces;
}

/// Numbers as they stand; of a range its ends and some between, each about a quarter more than the last.
std::vector<std::size_t> budgets_of(const std::string& text) {
  constexpr std::array kBetween = {1,  2,  3,  4,  5,   6,   8,   10,  12,  16,  20,
                                   28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 896};
  std::set<std::size_t> budgets;
  for (const std::string& piece : pieces_of(text, "--nfe")) {
    const std::vector<std::uint64_t> numbers = parse_ranges(piece, "--nfe");
    if (numbers.front() < 1 || numbers.back() > kMostEvaluations) {
      throw Error(fmt::format("--nfe {}: numbers of evaluations lie between 1 and {}", text, kMostEvaluations));
    }
    budgets.insert(numbers.front());
    budgets.insert(numbers.back());
    for (const std::size_t between : kBetween) {
      if (between > numbers.front() && between < numbers.back()) budgets.insert(between);
    }
  }
  return {budgets.begin(), budgets.end()};
}

void check_tolerance(double tolerance, bool has_network) {
  const double least = has_network ? kLeastNetworkTolerance : kLeastTolerance;
  if (!(tolerance >= least && tolerance <= 0.1)) {
    throw Error(fmt::format("--reference-tolerance {}: give {:g} to 0.1{}; the reference itself has a tenth of it",
                            tolerance, least, has_network ? ", as networks answer in float32" : ""));
  }
}

/// Stochastic solvers follow another path than the flow, so nothing but data says how good they are.
void check_have_measure(const SolverRuns& plan) {
  for (const SolverRun& run : plan.runs) {
    if (find_sampler(run.solver).kind == SamplerKind::kOde) continue;
    throw Error(fmt::format(
        "--solvers {}: its noise takes it elsewhere than the flow, so without --data there is nothing to hold it "
        "against; give --data, or leave it out",
        run.solver));
  }
}

nlohmann::json config_of(const CLI::App& command, const Subject& subject, const ScheduleOptions& ends,
                         const SolverComparison& comparison) {
  nlohmann::json runs = nlohmann::json::array();
  for (const SolverRun& run : comparison.plan.runs) {
    runs.push_back(
        {{"solver", run.solver}, {"schedule", run.schedule}, {"nfe", run.evaluations}, {"levels", run.levels}});
  }
  nlohmann::json config = {{"command", "solvers"}, {"options", resolved_options(command)}, {"runs", runs}};
  put_subject(subject, config);
  put_fitted(ends, config);
  return config;
}

/// The field in double precision; that of a network is as it is.
FieldArguments precisely(FieldArguments arguments) {
  arguments.precise = !arguments.law && arguments.model.model.empty();
  return arguments;
}

std::string begin_text(const Subject& subject, const SolverComparison& comparison, const ComparisonArguments& arguments,
                       std::size_t solvers) {
  std::string text;
  if (subject.rows) {
    text = fmt::format("{} rows of {} values from {}; ", subject.rows->size(), subject.rows->dimension(),
                       subject.rows->name());
  }
  text += fmt::format("{} samples, {} runs of {} solvers on {}\n", comparison.seeds.size(), comparison.plan.runs.size(),
                      solvers, arguments.schedules);
  if (!subject.chosen.text().empty()) text += fmt::format("field: {}\n", subject.chosen.text());
  if (subject.range) {
    std::size_t evaluations = 0;
    for (const SolverRun& run : comparison.plan.runs) evaluations += run.evaluations;
    text += fmt::format("at most {} evaluations of the network, and those of the reference\n",
                        evaluations * comparison.seeds.size());
  }
  return text;
}

void say_how_to_go_on(std::size_t finished, std::size_t requested, const RunFolder& folder) {
  fmt::print(stderr, "stopped: {} of {} runs are finished; go on with: scorefield solvers --resume {}\n", finished,
             requested, folder.path().string());
}

}  // namespace

std::shared_ptr<ComparisonArguments> add_comparison_arguments(CLI::App& command, RunArguments& run) {
  auto arguments = std::make_shared<ComparisonArguments>();
  add_data_arguments(command, arguments->data);
  command.get_option("--data")->required(false)->description(
      "Compare on this data set: a name (fashion-mnist, ring:n=500, ...) or a path; without it, and without --model, "
      "solvers are listed");
  add_field_arguments(command, arguments->field);
  add_model_arguments(command, arguments->field.model);
  add_label_argument(command, arguments->field);
  add_guide_arguments(command, arguments->field);
  const char* const group = "Comparison";
  command.add_option("--solvers", arguments->solvers, "Which, e.g. heun,ipndm3")->capture_default_str()->group(group);
  command.add_option("--schedules", arguments->schedules, "Which noise levels, e.g. polynomial,logsnr")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--nfe", arguments->nfe,
                  "Evaluations of the field a sample: numbers, e.g. 5,10,20, or a range, of which some are taken")
      ->capture_default_str()
      ->group(group);
  command.add_option("--seeds", arguments->seeds, "One sample a seed, e.g. 0-63,100")
      ->capture_default_str()
      ->group(group);
  command.add_option("--sigma-min", arguments->ends.sigma_min, "Last noise level above 0, data units")
      ->capture_default_str()
      ->group(group);
  command.add_option("--sigma-max", arguments->ends.sigma_max, "First noise level, data units")
      ->capture_default_str()
      ->group(group);
  command.add_option("--rho", arguments->ends.rho, "Of the polynomial schedule")->capture_default_str()->group(group);
  command.add_option("--end", arguments->end, "A last step to sigma = 0, or stop at sigma-min")
      ->check(CLI::IsMember({"zero", "sigma-min"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--process", arguments->process,
                  "In whose time the methods that refer to one step, e.g. vp (default: sigma itself)")
      ->group(group);
  command
      .add_option("--reference-tolerance", arguments->tolerance,
                  "The reference is solved at this tolerance and at a tenth of it, which is used")
      ->capture_default_str()
      ->group(group);
  command.add_option("--projections", arguments->projections, "Directions of the sliced Wasserstein distance")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  command.add_option("--rows", arguments->rows, "Rows of the data that it is taken to, drawn at random")
      ->check(CLI::Range(1, 1 << 28))
      ->capture_default_str()
      ->group(group);
  add_run_arguments(command, run, {.resumes = true});
  add_batch_argument(command, arguments->batch, "Samples");
  add_machine_arguments(command, arguments->machine);
  return arguments;
}

bool wants_comparison(const CLI::App& command) {
  if (command.get_option("--data")->count() > 0 || command.get_option("--model")->count() > 0) return true;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() > 0 && name != "--json") {
      throw Error(fmt::format(
          "{}: say on which data solvers are compared, e.g. --data fashion-mnist, or on which network (--model)",
          name));
    }
  }
  return false;
}

void run_comparison(const CLI::App& command, const ComparisonArguments& arguments, const RunArguments& run) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const bool has_network = !arguments.field.model.model.empty() || !arguments.field.guide_model.empty();
  check_tolerance(arguments.tolerance, has_network);
  const std::vector<std::size_t> budgets = budgets_of(arguments.nfe);
  const std::vector<std::uint64_t> seeds = parse_seeds(arguments.seeds);
  const std::vector<std::string> solvers = pieces_of(arguments.solvers, "--solvers");
  const std::vector<std::string> schedules = pieces_of(arguments.schedules, "--schedules");
  const auto process = arguments.process.empty() ? nullptr : make_process(arguments.process);
  const SamplerEntry& any_solver = find_sampler("euler");
  const Subject subject = open_subject(arguments.field, arguments.data, context);
  const ChosenField& chosen = subject.chosen;
  std::optional<ChosenField> precise;
  if (!subject.range) {
    precise.emplace(choose_field(precisely(arguments.field), arguments.data, subject.data, context));
  }
  const ScheduleOptions ends = fitted_to(arguments.ends, command, subject.range);
  const ScheduleProblem problem{
      .sampling = {.field = chosen.field(), .sampler = any_solver, .levels = {}, .process = process.get()},
      .sigma_max = ends.sigma_max,
      .sigma_min = ends.sigma_min,
      .rho = ends.rho,
      .end_at_zero = arguments.end == "zero",
      .batch = arguments.batch,
      .label = chosen.label(),
      .least_sigma = subject.least_sigma()};
  const SolverRuns plan = plan_solver_runs(problem, solvers, schedules, budgets);
  if (!subject.rows) check_have_measure(plan);
  const SolverComparison comparison{.data = subject.rows ? &*subject.rows : nullptr,
                                    .problem = problem,
                                    .precise = precise ? precise->field() : chosen.field(),
                                    .is_double = !has_network,
                                    .plan = plan,
                                    .seeds = seeds,
                                    .tolerance = arguments.tolerance,
                                    .sliced = {.projections = arguments.projections, .rows = arguments.rows}};
  // States of a solver with four steps of memory, the ends and the reference's ends.
  context.check_memory(20 * std::min(arguments.batch, seeds.size()) + 3 * seeds.size(),
                       subject.data.dimension() * sizeof(double), "the samples of a run (--seeds, --batch)");
  chosen.try_at({ends.sigma_max, ends.sigma_min}, context);

  RunFolder folder = run_folder(run, "solvers-" + subject.name);
  folder.begin(config_of(command, subject, ends, comparison));
  if (folder.is_done(kSolversDone)) {
    if (run.json) {
      fmt::print("{}\n", read_json(folder / "report.json", context).dump());
    } else {
      fmt::print("{} is complete already; nothing to do\n", folder.path().string());
    }
    return;
  }
  if (!run.json) {
    fmt::print("{}", begin_text(subject, comparison, arguments, solvers.size()));
    std::fflush(stdout);
  }
  SolverReport report;
  try {
    report = compare_solvers(comparison, folder, context);
  } catch (const Cancelled&) {
    say_how_to_go_on(0, plan.runs.size(), folder);
    throw;
  }
  if (run.json) {
    fmt::print("{}\n", read_json(folder / "report.json", context).dump());
  } else {
    fmt::print("{}", comparison_text(comparison, report, budgets));
    fmt::print("pictures: error.png {}front.png; all runs: solvers.csv\n",
               subject.rows ? "other_row.png sliced_wasserstein.png " : "");
  }
  if (!report.complete()) {
    say_how_to_go_on(report.results.size(), report.requested, folder);
    throw Cancelled();
  }
  if (!run.json) fmt::print("{}\n", folder.path().string());
}

}  // namespace scorefield

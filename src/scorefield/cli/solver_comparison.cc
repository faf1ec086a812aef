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
#include "scorefield/cli/solver_comparison_text.h"
#include "scorefield/field/empirical.h"

namespace scorefield {

struct ComparisonArguments {
  DataArguments data;
  MachineArguments machine;
  std::string solvers = "euler,heun,dpm2,ipndm3,deis2,dpmpp2m,dpmpp3m,unipc3-bh1";
  std::string schedules = "polynomial,logsnr,vp-uniform";
  std::string nfe = "4-40";
  std::string seeds = "0-63";
  double sigma_min = 0.002;
  double sigma_max = 80;
  double rho = 7;
  std::string end = "zero";
  std::string process;
  double tolerance = 1e-3;
  std::size_t projections = 256;
  std::size_t rows = 10000;
  std::size_t batch = 256;
  std::string out;
  std::string config;
  std::string resume;
};

namespace {

constexpr std::uint64_t kMostEvaluations = 1000;

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

void check_numbers(const ComparisonArguments& arguments) {
  if (!(arguments.tolerance >= 1e-12 && arguments.tolerance <= 0.1)) {
    throw Error(fmt::format("--reference-tolerance {}: give 1e-12 to 0.1; the reference itself has a tenth of it",
                            arguments.tolerance));
  }
}

nlohmann::json config_of(const CLI::App& command, const SolverComparison& comparison) {
  nlohmann::json runs = nlohmann::json::array();
  for (const SolverRun& run : comparison.plan.runs) {
    runs.push_back(
        {{"solver", run.solver}, {"schedule", run.schedule}, {"nfe", run.evaluations}, {"levels", run.levels}});
  }
  return {{"command", "solvers"},
          {"options", resolved_options(command)},
          {"runs", runs},
          {"data_notes", comparison.data.notes()},
          {"data_digest", comparison.data.digest()}};
}

void say_how_to_go_on(std::size_t finished, std::size_t requested, const RunFolder& folder) {
  fmt::print(stderr, "stopped: {} of {} runs are finished; go on with: scorefield solvers --resume {}\n", finished,
             requested, folder.path().string());
}

}  // namespace

std::shared_ptr<ComparisonArguments> add_comparison_arguments(CLI::App& command) {
  auto arguments = std::make_shared<ComparisonArguments>();
  add_data_arguments(command, arguments->data);
  command.get_option("--data")->required(false)->description(
      "Compare on this data set: a name (fashion-mnist, ring:n=500, ...) or a path; without it solvers are listed");
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
  command.add_option("--sigma-min", arguments->sigma_min, "Last noise level above 0, data units")
      ->capture_default_str()
      ->group(group);
  command.add_option("--sigma-max", arguments->sigma_max, "First noise level, data units")
      ->capture_default_str()
      ->group(group);
  command.add_option("--rho", arguments->rho, "Of the polynomial schedule")->capture_default_str()->group(group);
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
  command.add_option("--out,--outdir", arguments->out, "Run folder (default: a new one under runs/)")->group("Run");
  command.add_option("--config", arguments->config, "Repeat the run of this config.json; flags override it")
      ->group("Run");
  command.add_option("--resume", arguments->resume, "Go on with the interrupted run in this folder")
      ->excludes("--out")
      ->group("Run");
  command.add_option("--batch", arguments->batch, "Samples at a time; never changes a result")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Machine");
  add_machine_arguments(command, arguments->machine);
  return arguments;
}

bool wants_comparison(const CLI::App& command) {
  if (command.get_option("--data")->count() > 0) return true;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() > 0 && name != "--json") {
      throw Error(fmt::format("{}: say on which data solvers are compared, e.g. --data fashion-mnist", name));
    }
  }
  return false;
}

void run_comparison(const CLI::App& command, const ComparisonArguments& arguments, bool json) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  check_numbers(arguments);
  const std::vector<std::size_t> budgets = budgets_of(arguments.nfe);
  const std::vector<std::uint64_t> seeds = parse_seeds(arguments.seeds);
  const std::vector<std::string> solvers = pieces_of(arguments.solvers, "--solvers");
  const std::vector<std::string> schedules = pieces_of(arguments.schedules, "--schedules");
  const auto process = arguments.process.empty() ? nullptr : make_process(arguments.process);
  const SamplerEntry& any_solver = find_sampler("euler");
  const Dataset data = open_dataset(arguments.data, context);
  const Empirical field(data, {.precision = Precision::kFast, .weights = {}}, context);
  const Empirical precise(data, {.precision = Precision::kPrecise, .weights = {}}, context);
  const ScheduleProblem problem{
      .sampling = {.field = field, .sampler = any_solver, .levels = {}, .process = process.get()},
      .sigma_max = arguments.sigma_max,
      .sigma_min = arguments.sigma_min,
      .rho = arguments.rho,
      .end_at_zero = arguments.end == "zero",
      .batch = arguments.batch};
  const SolverRuns plan = plan_solver_runs(problem, solvers, schedules, budgets);
  const SolverComparison comparison{.data = data,
                                    .problem = problem,
                                    .precise = precise,
                                    .plan = plan,
                                    .seeds = seeds,
                                    .tolerance = arguments.tolerance,
                                    .sliced = {.projections = arguments.projections, .rows = arguments.rows}};
  // States of a solver with four steps of memory, the ends and the reference's ends.
  context.check_memory(20 * std::min(arguments.batch, seeds.size()) + 3 * seeds.size(),
                       data.dimension() * sizeof(double), "the samples of a run (--seeds, --batch)");

  const std::string out = !arguments.out.empty() ? arguments.out : arguments.resume;
  RunFolder folder = out.empty() ? RunFolder::make_numbered("runs", "solvers-" + short_name(arguments.data.data))
                                 : RunFolder::take(out);
  folder.begin(config_of(command, comparison));
  if (folder.is_done(kSolversDone)) {
    if (json) {
      fmt::print("{}\n", read_json(folder / "report.json", context).dump());
    } else {
      fmt::print("{} is complete already; nothing to do\n", folder.path().string());
    }
    return;
  }
  if (!json) {
    fmt::print("{} rows of {} values from {}; {} samples, {} runs of {} solvers on {}\n", data.size(), data.dimension(),
               data.name(), seeds.size(), plan.runs.size(), solvers.size(), arguments.schedules);
    std::fflush(stdout);
  }
  SolverReport report;
  try {
    report = compare_solvers(comparison, folder, context);
  } catch (const Cancelled&) {
    say_how_to_go_on(0, plan.runs.size(), folder);
    throw;
  }
  if (json) {
    fmt::print("{}\n", read_json(folder / "report.json", context).dump());
  } else {
    fmt::print("{}", comparison_text(comparison, report, budgets));
    fmt::print("pictures: error.png other_row.png sliced_wasserstein.png front.png; all runs: solvers.csv\n");
  }
  if (!report.complete()) {
    say_how_to_go_on(report.results.size(), report.requested, folder);
    throw Cancelled();
  }
  if (!json) fmt::print("{}\n", folder.path().string());
}

}  // namespace scorefield

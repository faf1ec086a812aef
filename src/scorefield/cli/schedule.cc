// scorefield schedule: the noise levels of least error for a data set, a solver and a number of evaluations.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/field_flags.h"
#include "scorefield/run/run_folder.h"
#include "scorefield/search/schedule_report.h"
#include "scorefield/search/schedule_spellings.h"

namespace scorefield {
namespace {

struct ScheduleArguments {
  DataArguments data;
  MachineArguments machine;
  FieldArguments field;
  std::string solver = "ipndm3";
  std::string nfe = "4-10";
  std::string end = "zero";
  bool afs = false;
  double sigma_min = 0.002;
  double sigma_max = 80;
  double rho = 7;
  std::string teacher = "ipndm4";
  std::string metric = "l2";
  double coefficient = 1.15;
  std::size_t grid = 61;
  std::size_t warmup = 256;
  std::string seeds = "0-255";
  std::size_t reference_steps = 200;
  std::size_t batch = 256;
  std::string out;
  std::string config;
  bool json = false;
};

/// The numbers that the solver can make, ascending; why others are left out goes to stderr. Throws Error for none.
std::vector<std::size_t> budgets_of(const ScheduleArguments& arguments, const ScheduleProblem& problem) {
  constexpr std::uint64_t kMost = 1000;
  std::vector<std::size_t> budgets;
  std::vector<std::string> faults;
  for (const std::uint64_t nfe : parse_ranges(arguments.nfe, "--nfe")) {
    if (nfe > kMost) {
      throw Error(
          fmt::format("--nfe {}: at most {} evaluations; a search is for few, where levels matter", nfe, kMost));
    }
    std::string fault = budget_fault(problem, nfe);
    if (fault.empty()) {
      budgets.push_back(nfe);
    } else {
      faults.push_back(std::move(fault));
    }
  }
  if (budgets.empty()) throw Error(faults.front());
  for (const std::string& fault : faults) fmt::print(stderr, "left out: {}\n", fault);
  std::ranges::sort(budgets);
  budgets.erase(std::unique(budgets.begin(), budgets.end()), budgets.end());
  return budgets;
}

std::string with_error(const Mean& mean) {
  return fmt::format("{:.4g} ±{:.1g}", mean.value, mean.standard_error);
}

void print_table(const ScheduleSearch& search) {
  fmt::print("\n{:>4} {:>6} {:>7}", "NFE", "steps", "levels");
  for (const ScheduleTrial& fixed : search.budgets.front().fixed) fmt::print("  {:>16}", fixed.name);
  fmt::print("  {:>16}  {:>16}  {:>24}  {}\n", "gits", "own-error", "gain over the best fixed", "returned");
  for (const BudgetSchedules& budget : search.budgets) {
    const ScheduleTrial& best = budget.fixed[budget.best_fixed];
    fmt::print("{:>4} {:>6} {:>7}", budget.nfe, budget.steps,
               budget.own.levels.size() - (budget.own.levels.back() == 0 ? 1 : 0));
    for (const ScheduleTrial& fixed : budget.fixed) fmt::print("  {:>16}", with_error(fixed.held_out));
    fmt::print("  {:>16}  {:>16}", with_error(budget.gits.held_out), with_error(budget.own.held_out));
    fmt::print("  {:>16} ({:>4.0f} %)  {}\n", with_error(budget.own_gain),
               100 * budget.own_gain.value / best.held_out.value, budget.returned().name);
  }
}

void print_report(const ScheduleProblem& problem, const ScheduleSearch& search, std::size_t held_out) {
  fmt::print("\nmean L2 distance of {} held-out end points from the exact ones [data units], one standard error;\n",
             held_out);
  fmt::print("the exact ones are uncertain by at most {:.2g}; levels: noise levels above 0\n",
             std::max(search.held_out_uncertainty, search.training_uncertainty));
  print_table(search);
  const auto fixed = std::ranges::count_if(search.budgets, [](const auto& b) { return b.fixed_is_better; });
  fmt::print("\nown-error against the best fixed schedule, mean over budgets: {} less; gits: {} less\n",
             with_error(search.own_gain), with_error(search.gits_gain));
  fmt::print("returned: {} found, {} fixed because nothing found was better\n",
             search.budgets.size() - static_cast<std::size_t>(fixed), fixed);
  for (const BudgetSchedules& budget : search.budgets) {
    fmt::print("\n{} evaluations ({}, {} steps{}):\n", budget.nfe, budget.returned().name, budget.steps,
               problem.sampling.analytical_first_step ? ", the first without an evaluation" : "");
    for (const ScheduleSpelling& spelling :
         schedule_spellings(budget.returned().levels, problem.sampling.analytical_first_step)) {
      fmt::print("  {:<11} {}\n", spelling.system, spelling.text);
    }
  }
  fmt::print("\nhow each system reads its list: schedules.txt; pictures: costs.png errors.png levels.png\n");
}

void run_schedule(const CLI::App& command, const ScheduleArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const SamplerEntry& solver = find_sampler(arguments.solver);
  const Dataset data = open_dataset(arguments.data, context);
  const std::unique_ptr<const Field> field = data_field(arguments.field, arguments.data, data, context);
  const ScheduleProblem problem{
      .sampling = {.field = *field, .sampler = solver, .levels = {}, .analytical_first_step = arguments.afs},
      .sigma_max = arguments.sigma_max,
      .sigma_min = arguments.sigma_min,
      .rho = arguments.rho,
      .end_at_zero = arguments.end == "zero",
      .batch = arguments.batch};
  ScheduleSearchOptions options;
  options.teacher = arguments.teacher;
  options.grid = arguments.grid;
  options.metric = find_cost_metric(arguments.metric);
  options.coefficient = arguments.coefficient;
  options.training = arguments.warmup;
  options.held_out = parse_seeds(arguments.seeds);
  options.reference_steps = arguments.reference_steps;
  check_search_solver(solver);
  options.budgets = budgets_of(arguments, problem);
  check_search(problem, options);

  RunFolder folder = arguments.out.empty()
                         ? RunFolder::make_numbered("runs", "schedule-" + short_name(arguments.data.data))
                         : RunFolder::take(arguments.out);
  folder.begin({{"command", "schedule"},
                {"options", resolved_options(command)},
                {"data_notes", data.notes()},
                {"data_digest", data.digest()}});
  const auto how_to_start_again = [&](std::size_t finished) {
    const std::string path = folder.path().string();
    fmt::print(stderr,
               "stopped: {} of {} budgets are finished; start again with: scorefield schedule --config {}/config.json "
               "--out {}\n",
               finished, options.budgets.size(), path, path);
  };
  if (!arguments.json) {
    fmt::print("{}: {} evaluations by {}, from sigma {:g} to {}\n", data.name(), arguments.nfe, solver.name,
               problem.sigma_max,
               problem.end_at_zero ? "0 (--end zero)" : fmt::format("{:g} (--end sigma-min)", problem.sigma_min));
    std::fflush(stdout);
  }
  ScheduleSearch search;
  try {
    search = search_schedules(problem, options, context);
  } catch (const Cancelled&) {
    how_to_start_again(0);
    throw;
  }
  write_search(problem, search, folder.path());
  if (arguments.json) {
    fmt::print("{}\n", read_json(folder / "schedules.json", context).dump());
  } else {
    print_report(problem, search, options.held_out.size());
  }
  if (!search.complete) {
    how_to_start_again(search.budgets.size());
    throw Cancelled();
  }
  if (!arguments.json) fmt::print("{}\n", folder.path().string());
}

void add_search_options(CLI::App& command, ScheduleArguments& arguments) {
  command.add_option("--teacher", arguments.teacher, "ODE solver of the fine trajectory that GITS learns from")
      ->capture_default_str()
      ->group("Search");
  command.add_option("--grid", arguments.grid, "Noise levels of that trajectory (polynomial), from which GITS chooses")
      ->check(CLI::Range(3, 4096))
      ->capture_default_str()
      ->group("Search");
  command.add_option("--warmup", arguments.warmup, "Seeds that the search learns from; they begin at 2^32")
      ->check(CLI::Range(2, 1 << 24))
      ->capture_default_str()
      ->group("Search");
  command.add_option("--metric", arguments.metric, "Of GITS's costs: l1, l2, dev (deviation from the chord)")
      ->capture_default_str()
      ->group("Search");
  command.add_option("--coefficient", arguments.coefficient, "A later step counts so many times the one before (GITS)")
      ->capture_default_str()
      ->group("Search");
  command.add_option("--seeds", arguments.seeds, "Held-out noise that schedules are judged on, e.g. 0-255")
      ->capture_default_str()
      ->group("Search");
  command.add_option("--reference-steps", arguments.reference_steps, "Steps of rk4 to the exact end points")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str()
      ->group("Search");
}

}  // namespace

void add_schedule_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("schedule", "Find the noise levels of least error for a solver");
  const auto arguments = std::make_shared<ScheduleArguments>();
  add_data_arguments(*command, arguments->data);
  add_field_arguments(*command, arguments->field);
  command->add_option("--solver", arguments->solver, "ODE solver, as in scorefield sample")->capture_default_str();
  command->add_option("--nfe", arguments->nfe, "Evaluations of the field, each with a schedule of its own, e.g. 4-12")
      ->capture_default_str();
  command->add_option("--end", arguments->end, "A last step to sigma = 0, or stop at sigma-min; both are counted")
      ->check(CLI::IsMember({"zero", "sigma-min"}))
      ->capture_default_str();
  command->add_flag("--afs", arguments->afs,
                    "Analytical first step: one without an evaluation, eps = x/sqrt(1 + sigma^2)");
  command->add_option("--sigma-min", arguments->sigma_min, "Last noise level above 0 of fixed schedules, data units")
      ->capture_default_str();
  command->add_option("--sigma-max", arguments->sigma_max, "First noise level, data units")->capture_default_str();
  command->add_option("--rho", arguments->rho, "Of the polynomial schedule and of the grid")->capture_default_str();
  add_search_options(*command, *arguments);
  command->add_option("--out,--outdir", arguments->out, "Run folder (default: a new one under runs/)")->group("Run");
  command->add_option("--config", arguments->config, "Repeat the run of this config.json; flags override it")
      ->group("Run");
  command->add_flag("--json", arguments->json, "Print JSON in place of text")->group("Run");
  command->add_option("--batch", arguments->batch, "Seeds at a time; never changes a result")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Machine");
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield schedule --data fashion-mnist --subset 256 --solver ipndm3 --nfe 4-12\n"
      "  scorefield schedule --data mixture --law --solver euler --end sigma-min --out runs/mine\n"
      "  scorefield schedule --data points.npz --solver heun --nfe 5,7,9 --sigma-max 20 --json\n"
      "  scorefield sample --data points.npz --solver heun --sigmas $(cat runs/mine/sigmas-7.txt)");
  command->callback([command, arguments] { run_schedule(*command, *arguments); });
}

}  // namespace scorefield

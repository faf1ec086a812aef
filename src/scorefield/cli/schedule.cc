// scorefield schedule: the noise levels of least error for a field, a solver and a number of evaluations.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/field_flags.h"
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
  ScheduleOptions ends;  // its name and steps are not used
  std::string teacher = "ipndm4";
  std::string metric = "l2";
  double coefficient = 1.15;
  std::size_t grid = 61;
  std::optional<std::size_t> warmup;
  std::string seeds;
  std::optional<std::size_t> reference_steps;
  std::size_t batch = 256;
  RunArguments run;
};

/// How much a search computes where nothing is typed. A network takes so long for an evaluation that less has to do.
struct SearchSize {
  std::size_t warmup;
  const char* seeds;
  std::size_t reference_steps;
};
constexpr SearchSize kExactSize = {256, "0-255", 200};
constexpr SearchSize kNetworkSize = {64, "0-63", 60};

/// The options of the search; those that were not typed are put into the options of the run's record.
ScheduleSearchOptions options_of(const ScheduleArguments& arguments, bool is_network, nlohmann::json& record) {
  const SearchSize& size = is_network ? kNetworkSize : kExactSize;
  const std::string seeds = arguments.seeds.empty() ? size.seeds : arguments.seeds;
  ScheduleSearchOptions options;
  options.teacher = arguments.teacher;
  options.grid = arguments.grid;
  options.metric = find_cost_metric(arguments.metric);
  options.coefficient = arguments.coefficient;
  options.training = arguments.warmup.value_or(size.warmup);
  options.held_out = parse_seeds(seeds);
  options.reference_steps = arguments.reference_steps.value_or(size.reference_steps);
  record.update({{"warmup", options.training}, {"seeds", seeds}, {"reference-steps", options.reference_steps}});
  return options;
}

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

std::string with_error(const Estimate& mean) {
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

/// What stands for the exact end points, and how sure they are.
std::string certainty_text(const ScheduleProblem& problem, const ScheduleSearch& search, bool is_network) {
  std::string text = fmt::format("the exact ones are uncertain by at most {:.2g}", search.uncertainty());
  if (is_network) text += ", the network's rounding to float32 included";
  if (problem.end_at_zero && last_flow_level(problem, 16) > problem.sigma_min / 16) {
    text += fmt::format(";\nbelow sigma = {:g} the network knows no noise level: from there they go to D",
                        last_flow_level(problem, 16));
  }
  return text;
}

/// Which budgets were judged by end points that are too uncertain for that; "" for none.
std::string unsettled_text(const ScheduleSearch& search) {
  std::vector<std::size_t> unsettled;
  for (const BudgetSchedules& budget : search.budgets) {
    if (!search.is_settled(budget)) unsettled.push_back(budget.nfe);
  }
  if (unsettled.empty()) return "";
  return fmt::format(
      "not settled: for {} evaluations the exact end points are uncertain by more than a tenth of the error that is "
      "left;\n  more --reference-steps may mend it (not what float32, or a sample between two ends, does)\n",
      fmt::join(unsettled, ", "));
}

void print_report(const ScheduleProblem& problem, const ScheduleSearch& search, std::size_t held_out, bool is_network) {
  fmt::print("\nmean L2 distance of {} held-out end points from the exact ones [data units], one standard error;\n",
             held_out);
  fmt::print("{}; levels: noise levels above 0\n", certainty_text(problem, search, is_network));
  print_table(search);
  const auto fixed = std::ranges::count_if(search.budgets, [](const auto& b) { return b.fixed_is_better; });
  fmt::print("\nown-error against the best fixed schedule, mean over budgets: {} less; gits: {} less\n",
             with_error(search.own_gain), with_error(search.gits_gain));
  fmt::print("returned: {} found, {} fixed because nothing found was better\n",
             search.budgets.size() - static_cast<std::size_t>(fixed), fixed);
  fmt::print("{}", unsettled_text(search));
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

std::string cost_text(const ScheduleSearchOptions& options) {
  const SearchCost cost = expected_cost(options);
  return fmt::format(
      "some {:.0f} thousand evaluations of the network, {:.0f} thousand of them for the exact end points\n",
      std::ceil(cost.all / 1000), std::ceil(cost.exact_ends / 1000));
}

std::string field_text(const Subject& subject) {
  const std::string text = subject.chosen.text();
  if (subject.range) return text;
  return subject.data.name() + (text.empty() ? "" : ", " + text);
}

void run_schedule(const CLI::App& command, const ScheduleArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const SamplerEntry& solver = find_sampler(arguments.solver);
  check_search_solver(solver);
  const Subject subject = open_subject(arguments.field, arguments.data, context);
  const ChosenField& chosen = subject.chosen;
  const bool is_network = subject.range.has_value();
  const ScheduleOptions ends = fitted_to(arguments.ends, command, subject.range);
  const ScheduleProblem problem{
      .sampling = {.field = chosen.field(), .sampler = solver, .levels = {}, .analytical_first_step = arguments.afs},
      .sigma_max = ends.sigma_max,
      .sigma_min = ends.sigma_min,
      .rho = ends.rho,
      .end_at_zero = arguments.end == "zero",
      .batch = arguments.batch,
      .label = chosen.label(),
      .least_sigma = subject.least_sigma()};
  nlohmann::json config = {{"command", "schedule"}, {"options", resolved_options(command)}};
  ScheduleSearchOptions options = options_of(arguments, is_network, config["options"]);
  options.budgets = budgets_of(arguments, problem);
  check_search(problem, options);
  chosen.try_at({ends.sigma_max, ends.sigma_min}, context);

  put_subject(subject, config);
  put_fitted(ends, config);
  RunFolder folder = run_folder(arguments.run, "schedule-" + subject.name);
  folder.begin(config);
  const auto how_to_start_again = [&](std::size_t finished) {
    fmt::print(stderr, "stopped: {} of {} budgets are finished; {}\n", finished, options.budgets.size(),
               start_again_text("schedule", folder));
  };
  if (!arguments.run.json) {
    fmt::print("{}: {} evaluations by {}, from sigma {:g} to {}\n", field_text(subject), arguments.nfe, solver.name,
               problem.sigma_max,
               problem.end_at_zero ? "0 (--end zero)" : fmt::format("{:g} (--end sigma-min)", problem.sigma_min));
    if (is_network) fmt::print("{}", cost_text(options));
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
  if (arguments.run.json) {
    fmt::print("{}\n", read_json(folder / "schedules.json", context).dump());
  } else {
    print_report(problem, search, options.held_out.size(), is_network);
  }
  if (!search.complete) {
    how_to_start_again(search.budgets.size());
    throw Cancelled();
  }
  if (!arguments.run.json) fmt::print("{}\n", folder.path().string());
}

void add_search_options(CLI::App& command, ScheduleArguments& arguments) {
  command.add_option("--teacher", arguments.teacher, "ODE solver of the fine trajectory that GITS learns from")
      ->capture_default_str()
      ->group("Search");
  command.add_option("--grid", arguments.grid, "Noise levels of that trajectory (polynomial), from which GITS chooses")
      ->check(CLI::Range(3, 4096))
      ->capture_default_str()
      ->group("Search");
  command
      .add_option("--warmup", arguments.warmup,
                  fmt::format("Seeds that the search learns from; they begin at 2^32 (default: {}, with --model {})",
                              kExactSize.warmup, kNetworkSize.warmup))
      ->check(CLI::Range(2, 1 << 24))
      ->group("Search");
  command.add_option("--metric", arguments.metric, "Of GITS's costs: l1, l2, dev (deviation from the chord)")
      ->capture_default_str()
      ->group("Search");
  command.add_option("--coefficient", arguments.coefficient, "A later step counts so many times the one before (GITS)")
      ->capture_default_str()
      ->group("Search");
  command
      .add_option("--seeds", arguments.seeds,
                  fmt::format("Held-out noise that schedules are judged on (default: {}, with --model {})",
                              kExactSize.seeds, kNetworkSize.seeds))
      ->group("Search");
  command
      .add_option("--reference-steps", arguments.reference_steps,
                  fmt::format("Steps of rk4 to the exact end points (default: {}, with --model {})",
                              kExactSize.reference_steps, kNetworkSize.reference_steps))
      ->check(CLI::Range(2, 100000))
      ->group("Search");
}

}  // namespace

void add_schedule_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("schedule", "Find the noise levels of least error for a solver");
  const auto arguments = std::make_shared<ScheduleArguments>();
  add_data_arguments(*command, arguments->data);
  command->get_option("--data")->required(false);
  add_field_arguments(*command, arguments->field);
  add_model_arguments(*command, arguments->field.model);
  add_label_argument(*command, arguments->field);
  add_guide_arguments(*command, arguments->field);
  command->add_option("--solver", arguments->solver, "ODE solver, as in scorefield sample")->capture_default_str();
  command->add_option("--nfe", arguments->nfe, "Evaluations of the field, each with a schedule of its own, e.g. 4-12")
      ->capture_default_str();
  command->add_option("--end", arguments->end, "A last step to sigma = 0, or stop at sigma-min; both are counted")
      ->check(CLI::IsMember({"zero", "sigma-min"}))
      ->capture_default_str();
  command->add_flag("--afs", arguments->afs,
                    "Analytical first step: one without an evaluation, eps = x/sqrt(1 + sigma^2)");
  command
      ->add_option("--sigma-min", arguments->ends.sigma_min, "Last noise level above 0 of fixed schedules, data units")
      ->capture_default_str();
  command->add_option("--sigma-max", arguments->ends.sigma_max, "First noise level, data units")->capture_default_str();
  command->add_option("--rho", arguments->ends.rho, "Of the polynomial schedule and of the grid")
      ->capture_default_str();
  add_search_options(*command, *arguments);
  add_run_arguments(*command, arguments->run);
  add_batch_argument(*command, arguments->batch, "Seeds");
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield schedule --data fashion-mnist --subset 256 --solver ipndm3 --nfe 4-12\n"
      "  scorefield schedule --data mixture --law --solver euler --end sigma-min --out runs/mine\n"
      "  scorefield schedule --data points.npz --solver heun --nfe 5,7,9 --sigma-max 20 --json\n"
      "  scorefield schedule --model runs/swirl/model.safetensors --solver dpmpp2m --nfe 4-8 --sigma-max 20\n"
      "  scorefield schedule --model net.pt --solver ipndm3 --nfe 6 --out runs/mine\n"
      "  scorefield sample --data points.npz --solver heun --sigmas $(cat runs/mine/sigmas-7.txt)");
  command->callback([command, arguments] { run_schedule(*command, *arguments); });
}

}  // namespace scorefield

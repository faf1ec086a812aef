// scorefield compare: a model held against the exact field of its data.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "scorefield/audit/deviation.h"
#include "scorefield/audit/deviation_figures.h"
#include "scorefield/audit/deviation_json.h"
#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/compare_text.h"
#include "scorefield/cli/field_flags.h"
#include "scorefield/cli/model_flags.h"
#include "scorefield/cli/sampler_flags.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

struct CompareArguments {
  DataArguments data;
  MachineArguments machine;
  SamplerArguments sampler;
  FieldArguments field;
  std::string seeds = "0-63";
  RunArguments run;
};

void run_compare(const CLI::App& command, const CompareArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const SamplerEntry& solver = chosen_solver(command, arguments.sampler);
  const std::vector<std::uint64_t> seeds = parse_seeds(arguments.seeds);
  if (seeds.size() < 2) throw Error("--seeds: at least two, for the error of a mean");

  const Dataset data = open_dataset(arguments.data, context);
  const ChosenField exact = choose_field(arguments.field, arguments.data, data, context);
  const OpenedModel model = open_model(arguments.field.model, &data, context);
  SamplerArguments sampler = arguments.sampler;
  sampler.schedule = fitted_to(sampler.schedule, command, model.range);
  note_other_data(arguments.field.model.model, model.form, data);
  const std::vector<double> levels = chosen_levels(sampler);
  check_order(solver, sampler.options, levels.size() - 1);
  const std::unique_ptr<const Process> process = chosen_process(sampler, levels);

  const Sampling sampling{.field = exact.field(),
                          .sampler = solver,
                          .levels = levels,
                          .process = process.get(),
                          .options = sampler.options};
  const TrajectoryDeviations runs = deviation_on_trajectories(*model.field, sampling, seeds, exact.label(), context);
  std::vector<double> asked;
  for (const TrajectoryDeviation& level : runs.levels) asked.push_back(level.sigma);
  const std::vector<NoisedDeviation> noised =
      deviation_on_noised_data(*model.field, exact.field(), asked, seeds, exact.label(), context);

  const double radius = std::sqrt(exact.field().variance());
  nlohmann::json result = deviation_json(noised, runs);
  result["radius"] = radius;
  std::optional<RunFolder> folder;  // made when there is something to write
  if (!arguments.run.out.empty()) {
    nlohmann::json config = {{"command", "compare"},
                             {"options", resolved_options(command)},
                             {"levels", levels},
                             {"data_digest", data.digest()},
                             {"model_digest", model.digest}};
    put_fitted(sampler.schedule, config);
    if (model.declared) config["model"] = declaration_json(*model.declared);
    folder = RunFolder::take(arguments.run.out);
    folder->begin(config);
    write_json(*folder / "deviation.json", result);
    write_figure(noised_deviation_figure(noised), *folder / "noised");
    write_figure(trajectory_deviation_figure(runs.levels), *folder / "trajectories");
  }
  if (arguments.run.json) {
    fmt::print("{}\n", json_text(result));
    return;
  }
  fmt::print("{} against the exact field of {}, {} seeds\n{}", arguments.field.model.model, data.name(), seeds.size(),
             deviation_text(noised, runs, radius));
  if (folder) fmt::print("{}\n", folder->path().string());
}

}  // namespace

void add_compare_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("compare", "Hold a model against the exact field of its data");
  const auto arguments = std::make_shared<CompareArguments>();
  add_data_arguments(*command, arguments->data);
  add_model_arguments(*command, arguments->field.model)->required();
  command->add_option("--seeds", arguments->seeds, "One run and one row with noise on it each, e.g. 0-63,100")
      ->capture_default_str();
  add_sampler_arguments(*command, arguments->sampler);
  add_end_argument(*command, arguments->sampler);
  add_field_arguments(*command, arguments->field);
  add_label_argument(*command, arguments->field);
  add_run_arguments(*command, arguments->run, {.out = "A folder for deviation.json and figures (default: none)"});
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield compare --data swirl --model runs/swirl/model.safetensors --out runs/swirl-against-exact\n"
      "  scorefield compare --data ring --law --model model.safetensors --solver euler --steps 40 --seeds 0-255\n"
      "  scorefield compare --data fashion-mnist --class Bag --model model.safetensors --json");
  command->callback([command, arguments] { run_compare(*command, *arguments); });
}

}  // namespace scorefield

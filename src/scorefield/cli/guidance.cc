// scorefield guidance: what guidance does to the samples of a class, scale by scale.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/field_flags.h"
#include "scorefield/cli/sampler_flags.h"
#include "scorefield/run/run_folder.h"
#include "scorefield/sample/guidance_pictures.h"

namespace scorefield {
namespace {

struct GuidanceArguments {
  DataArguments data;
  MachineArguments machine;
  SamplerArguments sampler;
  FieldArguments field;
  std::string scales = "0,1,2,4,8";
  std::string seeds;
  std::size_t cells = 40;
  std::size_t batch = 256;
  std::string out;
  std::string config;
  bool json = false;
};

std::vector<double> scales_of(const GuidanceArguments& arguments) {
  std::vector<double> scales = parse_numbers(arguments.scales, "--scales");
  for (const double scale : scales) {
    if (!std::isfinite(scale)) throw Error(fmt::format("--scales {}: {} is not finite", arguments.scales, scale));
  }
  if (std::ranges::adjacent_find(scales, std::greater_equal()) != scales.end()) {
    throw Error(fmt::format("--scales {}: give them in ascending order, each once", arguments.scales));
  }
  return scales;
}

std::string report_text(const GuidanceSweep& sweep, const GuidanceReport& report) {
  const bool is_law = sweep.law != nullptr;
  std::string text = fmt::format("\n{:>7}  {:>18}  {:>18}  {:>18}", "scale", "of the class [%]", "tr Cov [units^2]",
                                 is_law ? "components hit" : "rows hit");
  if (report.tilted) text += fmt::format("  {:>18}  {:>18}", "TV to p p(y|x)^g", "exact samples' TV");
  text += "\n";
  const auto with_error = [](double value, double error) {
    return fmt::format("{:>18}", fmt::format("{:.4g} ±{:.1g}", value, error < 1e-9 ? 0 : error));
  };
  for (const GuidanceResult& result : report.results) {
    const double p = result.pure.value;
    text += fmt::format("{:>7g}  {}  {}  {}", result.scale,
                        with_error(100 * p, 100 * std::sqrt(p * (1 - p) / static_cast<double>(result.pure.total))),
                        with_error(result.spread.value, result.spread.standard_error),
                        with_error(result.modes.value, result.modes.standard_error));
    if (result.tilted) {
      text += fmt::format("  {}  {}", with_error(result.tilted->value, result.tilted->standard_error),
                          with_error(result.exact_tilted.mean, result.exact_tilted.deviation));
    }
    text += "\n";
  }
  const GuidanceReference& own = report.reference;
  text += fmt::format("{:>7}  {:>18}  {:>18}  {}\n", "class", "", fmt::format("{:.4g}", own.spread),
                      with_error(own.modes_hit.value, own.modes_hit.standard_error));
  text += fmt::format(
      "\n±: one standard error, of the last column and row one deviation; class: as many exact draws of "
      "it, which has {} {}\n",
      own.mode_count, is_law ? "components" : "rows");
  text += "pictures: curves.png";
  if (sweep.data.is_picture()) text += " strip.png (a row a scale, the same seeds)";
  if (sweep.data.dimension() == 2) text += " samples.png";
  return text + "\n";
}

void run_guidance(const CLI::App& command, GuidanceArguments arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const std::vector<double> scales = scales_of(arguments);
  const SamplerEntry& solver = chosen_solver(command, arguments.sampler);
  const std::vector<double> levels = chosen_levels(arguments.sampler);
  check_order(solver, arguments.sampler.options, levels.size() - 1);
  const std::unique_ptr<const Process> process = chosen_process(arguments.sampler, levels);
  const Dataset data = open_dataset(arguments.data, context);
  arguments.field.guidance = 1;  // the scales are given below
  const ChosenField chosen = choose_field(arguments.field, arguments.data, data, context);
  if (chosen.label() < 0) throw Error("--class: say which class to guide to");
  std::vector<std::unique_ptr<const Field>> fields;
  std::vector<GuidanceTrial> trials;
  for (const double scale : scales) {
    fields.push_back(chosen.at_scale(scale));
    trials.push_back({scale, *fields.back()});
  }
  std::vector<std::uint64_t> seeds;
  if (arguments.seeds.empty()) {
    seeds.resize(arguments.field.law ? 4000 : 256);
    std::iota(seeds.begin(), seeds.end(), 0);
  } else {
    seeds = parse_seeds(arguments.seeds);
  }
  const GuidanceSweep sweep{.data = data,
                            .law = dynamic_cast<const GaussianMixture*>(&chosen.own()),
                            .label = chosen.label(),
                            .trials = trials,
                            .sampling = {.field = chosen.own(),
                                         .sampler = solver,
                                         .levels = levels,
                                         .process = process.get(),
                                         .options = arguments.sampler.options},
                            .seeds = seeds,
                            .batch = arguments.batch,
                            .side = arguments.cells};
  check_sweep(sweep);

  RunFolder folder = arguments.out.empty()
                         ? RunFolder::make_numbered("runs", "guidance-" + short_name(arguments.data.data))
                         : RunFolder::take(arguments.out);
  nlohmann::json config = {{"command", "guidance"},
                           {"options", resolved_options(command)},
                           {"levels", levels},
                           {"data_notes", data.notes()},
                           {"data_digest", data.digest()}};
  for (const auto& [name, digest] : chosen.digests()) config[name] = digest;
  folder.begin(config);
  const auto how_to_start_again = [&](std::size_t finished) {
    const std::string path = folder.path().string();
    fmt::print(stderr,
               "stopped: {} of {} scales are finished; start again with: scorefield guidance --config {}/config.json "
               "--out {}\n",
               finished, scales.size(), path, path);
  };
  if (!arguments.json) {
    fmt::print("class {} of {}{}; {} samples a scale, {} steps of {}\n", class_text(chosen.label(), data),
               sweep.law != nullptr ? "the law of " : "", data.name(), seeds.size(), levels.size() - 1, solver.name);
    fmt::print("guide: {}\n", chosen.guide_text());
    std::fflush(stdout);
  }
  GuidanceReport report;
  try {
    report = sweep_guidance(sweep, context);
  } catch (const Cancelled&) {
    how_to_start_again(0);
    throw;
  }
  write_guidance(sweep, report, folder.path());
  if (arguments.json) {
    fmt::print("{}\n", read_json(folder / "report.json", context).dump());
  } else {
    fmt::print("{}", report_text(sweep, report));
  }
  if (!report.complete(sweep)) {
    how_to_start_again(report.results.size());
    throw Cancelled();
  }
  if (!arguments.json) fmt::print("{}\n", folder.path().string());
}

}  // namespace

void add_guidance_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("guidance", "Show what guidance does to the samples of a class");
  const auto arguments = std::make_shared<GuidanceArguments>();
  arguments->sampler.schedule.steps = 32;  // strong guidance bends paths
  add_data_arguments(*command, arguments->data);
  command->add_option("--scales", arguments->scales, "Guidance scales, ascending: 0 the guide, 1 the class itself")
      ->capture_default_str();
  command->add_option("--seeds", arguments->seeds,
                      "Noise of the samples, the same at every scale (default: 0-255, with --law 0-3999)");
  command->add_option("--cells", arguments->cells, "In the plane, with --law: cells of the grid, a side")
      ->check(CLI::Range(2, 400))
      ->capture_default_str();
  add_field_arguments(*command, arguments->field);
  add_label_argument(*command, arguments->field);
  add_guide_arguments(*command, arguments->field, false);
  add_sampler_arguments(*command, arguments->sampler);
  add_end_argument(*command, arguments->sampler);
  command->add_option("--out,--outdir", arguments->out, "Run folder (default: a new one under runs/)")->group("Run");
  command->add_option("--config", arguments->config, "Repeat the run of this config.json; flags override it")
      ->group("Run");
  command->add_option("--batch", arguments->batch, "Samples at a time; never changes a result")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Machine");
  add_machine_arguments(*command, arguments->machine);
  command->add_flag("--json", arguments->json, "Print the report as JSON")->group("Run");
  command->footer(
      "Examples:\n"
      "  scorefield guidance --data mixture:d=2,modes=9,classes=3,rank=2,noise=0.1 --law --class 1 --sigma-max 20\n"
      "  scorefield guidance --data fashion-mnist --class Dress --scales 0,1,2,4 --seeds 0-63\n"
      "  scorefield guidance --data fashion-mnist --class 3 --scales 1,2,4 --guidance-interval 0.5,10 --seeds 0-63\n"
      "  scorefield guidance --data fashion-mnist --class 3 --scales 1,2 --guide-subset 1000 --seeds 0-63");
  command->callback([command, arguments] { run_guidance(*command, *arguments); });
}

}  // namespace scorefield

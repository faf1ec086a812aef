// scorefield guidance: what guidance does to the samples of a class, scale by scale.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/field_flags.h"
#include "scorefield/cli/sampler_flags.h"
#include "scorefield/sample/guidance_pictures.h"

namespace scorefield {
namespace {

constexpr const char* kRowSeeds = "0-255";
constexpr const char* kLawSeeds = "0-3999";
constexpr const char* kNetworkSeeds = "0-63";

struct GuidanceArguments {
  DataArguments data;
  MachineArguments machine;
  SamplerArguments sampler;
  FieldArguments field;
  std::string scales = "0,1,2,4,8";
  std::string seeds;
  std::size_t cells = 40;
  std::size_t batch = 256;
  RunArguments run;
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
    text += fmt::format("{:>7g}  {}  {}  {}", result.scale,
                        fmt::format("{:>18}", fmt::format("{:.4g} ({:.3g}-{:.3g})", 100 * result.pure.value,
                                                          100 * result.pure.low, 100 * result.pure.high)),
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
  text += "\nof the class: 95 % interval";
  if (report.tilted) text += "; TV: to what guidance away from all classes is often said to sample, p(x) p(y|x)^g";
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
  if (is_no_class(arguments.field.label)) throw Error("--class: say which class to guide to");
  arguments.field.guidance = 1;  // the scales are given below
  const Subject subject = open_subject(arguments.field, arguments.data, context);
  const Dataset& data = subject.data;
  const ChosenField& chosen = subject.chosen;
  SamplerArguments sampler = arguments.sampler;
  sampler.schedule = fitted_to(sampler.schedule, command, subject.range);
  const std::vector<double> levels = chosen_levels(sampler);
  check_order(solver, sampler.options, levels.size() - 1);
  const std::unique_ptr<const Process> process = chosen_process(sampler, levels);
  std::vector<std::unique_ptr<const Field>> fields;
  std::vector<GuidanceTrial> trials;
  for (const double scale : scales) {
    fields.push_back(chosen.at_scale(scale));
    trials.push_back({scale, *fields.back()});
  }
  std::string seeds_text = arguments.seeds;
  if (seeds_text.empty()) seeds_text = arguments.field.law ? kLawSeeds : subject.range ? kNetworkSeeds : kRowSeeds;
  const std::vector<std::uint64_t> seeds = parse_seeds(seeds_text);
  const GuidanceSweep sweep{.data = data,
                            .law = dynamic_cast<const GaussianMixture*>(&chosen.own()),
                            .label = chosen.label(),
                            .trials = trials,
                            .sampling = {.field = chosen.own(),
                                         .sampler = solver,
                                         .levels = levels,
                                         .process = process.get(),
                                         .options = sampler.options},
                            .seeds = seeds,
                            .batch = arguments.batch,
                            .side = arguments.cells};
  check_sweep(sweep);
  chosen.try_at({levels.front(), levels.back() > 0 ? levels.back() : levels[levels.size() - 2]}, context);

  RunFolder folder = run_folder(arguments.run, "guidance-" + subject.name);
  nlohmann::json config = {{"command", "guidance"}, {"options", resolved_options(command)}, {"levels", levels}};
  config["options"]["seeds"] = seeds_text;
  put_subject(subject, config);
  put_fitted(sampler.schedule, config);
  folder.begin(config);
  const auto how_to_start_again = [&](std::size_t finished) {
    fmt::print(stderr, "stopped: {} of {} scales are finished; {}\n", finished, scales.size(),
               start_again_text("guidance", folder));
  };
  if (!arguments.run.json) {
    fmt::print("class {} of {}{}; {} samples a scale, {} steps of {}\n", class_text(chosen.label(), data),
               sweep.law != nullptr ? "the law of " : "", data.name(), seeds.size(), levels.size() - 1, solver.name);
    if (subject.range) fmt::print("field: the network of {}\n", arguments.field.model.model);
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
  if (arguments.run.json) {
    fmt::print("{}\n", read_json(folder / "report.json", context).dump());
  } else {
    fmt::print("{}", report_text(sweep, report));
  }
  if (!report.complete(sweep)) {
    how_to_start_again(report.results.size());
    throw Cancelled();
  }
  if (!arguments.run.json) fmt::print("{}\n", folder.path().string());
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
                      fmt::format("Noise of the samples, the same at every scale (default: {}, with --law {}, with "
                                  "--model {})",
                                  kRowSeeds, kLawSeeds, kNetworkSeeds));
  command->add_option("--cells", arguments->cells, "In the plane, with --law: cells of the grid, a side")
      ->check(CLI::Range(2, 400))
      ->capture_default_str();
  add_field_arguments(*command, arguments->field);
  add_model_arguments(*command, arguments->field.model);
  add_label_argument(*command, arguments->field);
  add_guide_arguments(*command, arguments->field, false);
  add_sampler_arguments(*command, arguments->sampler);
  add_end_argument(*command, arguments->sampler);
  add_run_arguments(*command, arguments->run, {.json = "Print the report as JSON"});
  add_batch_argument(*command, arguments->batch, "Samples");
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield guidance --data mixture:d=2,modes=9,classes=3,rank=2,noise=0.1 --law --class 1 --sigma-max 20\n"
      "  scorefield guidance --data fashion-mnist --class Dress --scales 0,1,2,4 --seeds 0-63\n"
      "  scorefield guidance --data fashion-mnist --class 3 --scales 1,2,4 --guidance-interval 0.5,10 --seeds 0-63\n"
      "  scorefield guidance --data fashion-mnist --class 3 --scales 1,2 --guide-subset 1000 --seeds 0-63\n"
      "  scorefield guidance --data fashion-mnist --model runs/fashion/model.safetensors --class 3 --scales 0,1,2");
  command->callback([command, arguments] { run_guidance(*command, *arguments); });
}

}  // namespace scorefield

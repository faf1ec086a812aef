// scorefield train: a network that denoises, tells classes apart, or makes latents.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/sha256.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/progress.h"
#include "scorefield/cli/train_flags.h"
#include "scorefield/learn/hierarchy.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

struct Arguments {
  DataArguments data;
  MachineArguments machine;
  TrainArguments train;
  std::string held_out;
  std::string out;
  RunArguments run;
};

/// Seconds of --minutes that go into measuring the rate.
double measured_seconds(double minutes) {
  return std::clamp(60 * minutes / 20, 0.5, 10.0);
}

std::string size_text(const TrainingRun& run) {
  const TrainingSettings& settings = run.settings;
  std::size_t weights = 0;
  if (settings.latents.empty()) {
    for (const net::Tensor& tensor : network_library().layout(settings.architecture)) weights += tensor.size;
    return fmt::format("{} of {} weights", settings.architecture.kind, weights);
  }
  const auto levels = hierarchy(settings.architecture, run.data.shape(), settings.latents);
  for (const NetworkTensors& network : autoencoder_tensors(levels)) {
    for (const net::Tensor& tensor : network.tensors) weights += tensor.size;
  }
  return fmt::format("vae of {} weights and {} latents", weights, fmt::join(settings.latents, ", "));
}

void print_dry_run(const TrainingRun& run, const TrainingCost& cost, bool json) {
  const TrainingSettings& settings = run.settings;
  const auto steps = static_cast<double>(settings.steps());
  const double seconds = steps * cost.step +
                         cost.checkpoint * std::ceil(steps / static_cast<double>(run.checkpoint_every)) +
                         cost.grid * std::ceil(steps / static_cast<double>(run.grid_every));
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"steps", settings.steps()},
                                      {"batch", settings.loader.batch},
                                      {"seconds_per_step", cost.step},
                                      {"seconds", seconds}}
                           .dump());
    return;
  }
  fmt::print("{}; {} steps of {} rows\n", size_text(run), settings.steps(), settings.loader.batch);
  fmt::print("time: about {} ({:.3g} rows a second measured)\n", readable_duration(seconds),
             static_cast<double>(settings.loader.batch) / cost.step);
}

void print_report(const TrainingRun& run, const TrainingReport& report, const RunFolder& folder, bool json) {
  const char* const which = run.held_out == nullptr ? "fixed_loss" : "held_out_loss";
  if (json) {
    nlohmann::json result = {{"steps", report.steps},       {"rows", report.steps * run.settings.loader.batch},
                             {"seconds", report.seconds},   {"resumed_from", report.resumed_from},
                             {"complete", report.complete}, {"model", (folder / "model.safetensors").string()}};
    if (report.held_out) {
      result[which] = report.held_out->mean();
      result[std::string(which) + "_error"] = report.held_out->standard_error();
    }
    result.update(report.figures);
    fmt::print("{}\n", result.dump());
    return;
  }
  fmt::print("{} steps{}, {} rows, {}\n", report.steps,
             report.resumed_from > 0 ? fmt::format(" (resumed at {})", report.resumed_from) : "",
             report.steps * run.settings.loader.batch, readable_duration(report.seconds));
  if (report.held_out) {
    fmt::print("loss at fixed noise on {}: {:.5g} +- {:.2g}\n",
               run.held_out == nullptr ? "training rows" : "held-out rows", report.held_out->mean(),
               report.held_out->standard_error());
  }
  for (const auto& [name, value] : report.figures.items()) fmt::print("{}: {:.4g}\n", name, value.get<double>());
}

/// Where the time of --minutes goes, to stderr; and that there is too little.
void say_plan(const TrainingPlan& plan, const TrainingCost& cost) {
  fmt::print(stderr, "a step takes {:.3g} s, a held-out loss {:.3g} s{}\n", cost.step, cost.checkpoint,
             cost.grid > 0 ? fmt::format(", a grid of samples {:.3g} s", cost.grid) : "");
  if (plan.left >= cost.step) return;
  fmt::print(stderr,
             "--minutes: no time is left for a second step; give more, or make what is measured along the way cheaper: "
             "--held-out-rows, --grid-every\n");
}

/// To stderr, where LibTorch has to make bf16 products out of others.
void say_if_bf16_is_slow([[maybe_unused]] const TrainingSettings& settings) {
#if defined(__x86_64__)
  if (settings.arithmetic != net::Arithmetic::kBfloat16 || __builtin_cpu_supports("avx512bf16") != 0) return;
  fmt::print(stderr, "--precision bf16: this processor has no such arithmetic; f32 is some ten times as fast here\n");
#endif
}

/// A resumed run has to have the same table of noise levels.
void put_table_digest(const char* key, const std::string& law, nlohmann::json& config) {
  constexpr std::string_view kTable = "table:";
  if (!law.starts_with(kTable)) return;
  config[key] = file_digest(law.substr(kTable.size()));
}

void run_train(const CLI::App& command, const Arguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const Dataset data = open_dataset(arguments.data, context);
  const std::optional<Dataset> held_out = open_held_out(arguments.held_out, arguments.data, data, context);
  TrainingRun run = training_run_of(arguments.train, data, held_out ? &*held_out : nullptr);
  run.settings.target.sigma_data = sigma_data_of(data, context);
  say_if_bf16_is_slow(run.settings);

  const std::string& out = arguments.run.folder();
  // Before the rate is measured: a folder that cannot be had is said at once.
  std::optional<RunFolder> folder;
  if (!arguments.run.dry_run && !out.empty()) folder.emplace(RunFolder::take(out));
  if (folder && arguments.train.minutes && folder->is_done(kTrainingDone)) {
    throw Error(fmt::format("{} is complete already; name a new folder for another run", out));
  }
  if (arguments.train.minutes || arguments.run.dry_run) {
    const double seconds = arguments.train.minutes ? measured_seconds(*arguments.train.minutes) : 2;
    const TrainingCost cost = measure_cost(run, seconds, context);
    if (arguments.train.minutes) {
      const TrainingPlan plan =
          plan_within(60 * *arguments.train.minutes - seconds, cost, arguments.train.checkpoint_every.value_or(0),
                      arguments.train.grid_every.value_or(0));
      set_steps(arguments.train, plan.steps, run, plan.records);
      say_plan(plan, cost);
    }
    if (arguments.run.dry_run) {
      print_dry_run(run, cost, arguments.run.json);
      return;
    }
  } else {
    (void)run.make(run, context);  // refuses what does not go together
  }
  if (!folder) folder.emplace(RunFolder::make_numbered("runs", "train-" + short_name(arguments.data.data)));

  nlohmann::json config = {{"command", "train"},
                           {"options", resolved_options(command)},
                           {"sigma_data", run.settings.target.sigma_data},
                           {"networks", network_library().version()},
                           {"data_notes", data.notes()},
                           {"data_digest", data.digest()}};
  put_resolved(arguments.train, run, config["options"]);
  if (held_out) config["held_out_digest"] = held_out->digest();
  put_table_digest("noise_law_digest", run.settings.noise_law, config);
  put_table_digest("importance_digest", run.settings.importance, config);
  folder->begin(config);
  run.config = config;
  if (folder->is_done(kTrainingDone)) {
    fmt::print(stderr, "{} is complete already; nothing to do\n", folder->path().string());
    return;
  }
  if (!arguments.run.json) {
    fmt::print("{} on {} rows of {} values from {}: {} steps of {} rows\n", size_text(run), data.size(),
               data.dimension(), data.name(), run.settings.steps(), run.settings.loader.batch);
    std::fflush(stdout);
  }
  const TrainingReport report = run_training(run, *folder, context);
  print_report(run, report, *folder, arguments.run.json);
  if (!report.complete) {
    fmt::print(stderr, "stopped: {} of {} steps are done; go on with: scorefield train --resume {}\n", report.steps,
               run.settings.steps(), folder->path().string());
    throw Cancelled();
  }
  if (!arguments.run.json) fmt::print("{}\n", (*folder / "model.safetensors").string());
}

}  // namespace

void add_train_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("train", "Train a network that denoises, a classifier, or an autoencoder");
  const auto arguments = std::make_shared<Arguments>();
  add_data_arguments(*command, arguments->data);
  command
      ->add_option("--held-out", arguments->held_out,
                   "Rows for the held-out loss (default: the test set of a named set, else training rows)")
      ->group("Data");
  add_train_flags(*command, arguments->train);
  add_run_arguments(*command, arguments->run,
                    {.resumes = true,
                     .dry_run = "Print weights, steps and time, and do nothing",
                     .json = "Print the report as JSON"});
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield train --data swirl --minutes 1 --out runs/swirl\n"
      "  scorefield train --data fashion-mnist --arch unet --minutes 10 --conditional\n"
      "  scorefield train --data ring --steps 2000 --predicts flow --weight plain --noise-law uniform\n"
      "  scorefield train --data ring --steps 500 --objective implicit --width 64\n"
      "  scorefield train --data fashion-mnist --arch classifier --noisy --minutes 10 --out runs/classifier\n"
      "  scorefield train --data fashion-mnist --arch vae --latent 16 --minutes 4 --out runs/vae\n"
      "  scorefield train --resume runs/swirl\n"
      "  scorefield train --config runs/swirl/config.json --seed 1 --out runs/swirl-1");
  command->callback([command, arguments] { run_train(*command, *arguments); });
}

}  // namespace scorefield

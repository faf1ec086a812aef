// scorefield sample: the exact reverse process of a data set.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/brownian.h"
#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/field/empirical.h"
#include "scorefield/metrics/description.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sampling_run.h"

namespace scorefield {
namespace {

constexpr double kMismatchWarning = 0.5;  // nats

struct SampleArguments {
  DataArguments data;
  MachineArguments machine;
  std::string held_out;
  std::string seeds = "0-63";
  std::string solver = "heun";
  ScheduleOptions schedule;
  std::string sigmas;
  std::string end = "zero";
  std::string start = "noise";
  int label = -1;
  bool precise = false;
  std::string dtype = "auto";
  std::size_t batch = 64;
  std::string out;
  std::string config;
  std::string resume;
  bool dry_run = false;
  bool json = false;
};

std::string solver_help() {
  std::string text;
  for (const SamplerEntry& entry : samplers()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", entry.name, entry.summary);
  }
  return text;
}

SampleType sample_type(const std::string& name, const Dataset& data) {
  const bool eight_bit_pictures = data.is_picture() && data.is_eight_bit();
  if (name == "f32") return SampleType::kF32;
  if (name == "f64") return SampleType::kF64;
  if (name == "u8" && !eight_bit_pictures) {
    throw Error(
        fmt::format("--dtype u8 is for 8-bit grey or RGB images, which {} does not hold; use f32 or f64", data.name()));
  }
  return eight_bit_pictures ? SampleType::kU8 : SampleType::kF32;
}

void print_start(const SamplingRun& run) {
  const double sigma_max = run.sampling.levels.front();
  if (run.sampling.start == Start::kExact) {
    fmt::print("start: drawn from p_sigma_max itself\n");
  } else if (std::isinf(sigma_max)) {
    fmt::print("start: unit noise at sigma = inf, where it costs nothing\n");
  } else {
    fmt::print("start: N(0, {:g}^2 I) instead of p_sigma_max costs at most {:.3g} nats (E|x0|^2 / (2 sigma_max^2))\n",
               sigma_max, start_mismatch(run.second_moment, sigma_max));
  }
}

void warn_of_start(const SamplingRun& run) {
  if (run.sampling.start == Start::kExact) return;
  const double mismatch = start_mismatch(run.second_moment, run.sampling.levels.front());
  if (mismatch <= kMismatchWarning) return;
  fmt::print(
      stderr,
      "warning: the start costs up to {:.3g} nats, over {}, so the samples' law is off; --sigma-max {:.3g} would "
      "fit, or --start exact\n",
      mismatch, kMismatchWarning, fitting_sigma_max(run.second_moment, kMismatchWarning));
}

/// Refuses, before a folder is made, what would only fail in the middle of the run.
void try_first_step(const SamplingRun& run, const SamplerEntry& solver, const Context& context) {
  check_sampling_memory(run, context);
  Sampling first = run.sampling;
  first.levels.resize(2);
  (void)sample(first, std::span(run.seeds).first(1), std::vector<int>{run.label}, nullptr, context);
  if (solver.kind == SamplerKind::kOde) return;
  BrownianPath path(0, 1);
  double noise = 0;
  for (std::size_t i = 0; i + 1 < run.sampling.levels.size(); ++i) {
    path.increment(run.sampling.levels[i], run.sampling.levels[i + 1], {&noise, 1});
  }
}

void print_dry_run(const SamplingRun& run, bool json, const Context& context) {
  const std::size_t batch = std::min(run.batch, run.seeds.size());
  Sampling first = run.sampling;
  first.levels.resize(2);
  const auto began = std::chrono::steady_clock::now();
  const std::size_t used =
      sample(first, std::span(run.seeds).first(batch), std::vector<int>{run.label}, nullptr, context).evaluations[0];
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;

  const double batches = std::ceil(static_cast<double>(run.seeds.size()) / static_cast<double>(batch));
  const double seconds =
      std::ceil(elapsed.count() / static_cast<double>(used) * static_cast<double>(run.evaluations) * batches);
  constexpr double kKernelScratch = 0x1p26;
  const double scratch = static_cast<double>(8 * sizeof(double) * batch * run.data.dimension()) + kKernelScratch;
  const std::size_t all = run.evaluations * run.seeds.size();
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"samples", run.seeds.size()},
                                      {"steps", run.sampling.levels.size() - 1},
                                      {"nfe", run.evaluations},
                                      {"evaluations", all},
                                      {"data_bytes", stored_bytes(run.data)},
                                      {"scratch_bytes", scratch},
                                      {"seconds", seconds}}
                           .dump());
    return;
  }
  fmt::print("{} samples in batches of {}: {} steps, {} evaluations of the field a sample, {} in all\n",
             run.seeds.size(), batch, run.sampling.levels.size() - 1, run.evaluations, all);
  fmt::print("memory: {:.0f} MiB of data, about {:.0f} MiB of states and scratch\n",
             static_cast<double>(stored_bytes(run.data)) / 0x1p20, scratch / 0x1p20);
  fmt::print("time: about {:.0f} s (one step of one batch measured)\n", seconds);
}

void print_report(const SamplingRun& run, const SamplingReport& report) {
  fmt::print("\n{:>4}  {:>10}  {:>9}  {:>12}  {:>13}\n", "step", "sigma", "entropy", "effective", "largest");
  fmt::print("{:>4}  {:>10}  {:>9}  {:>12}  {:>13}\n", "", "", "[nats]", "sample size", "weight");
  for (std::size_t s = 0; s < report.levels.size(); ++s) {
    const LevelSummary& level = report.levels[s];
    fmt::print("{:>4}  {:>10.4g}  {:>9.4f}  {:>12.2f}  {:>13.3g}\n", s, level.sigma, level.entropy,
               level.effective_sample_size, level.largest_weight);
  }
  const Proportion& copies = report.copies.share;
  const Proportion& wrong = report.false_positives;
  fmt::print("\nverdict: {} of {} samples are copies of training rows ({} different rows; rms distance {:.2g})\n",
             copies.count, copies.total, report.copies.rows.size(), report.copies.rms_distance);
  fmt::print("  rule: {}\n", rule_text(report.rule));
  if (wrong.total == 0) {
    fmt::print("  false positives: not measured\n");
  } else {
    fmt::print("  false positives: {} of {} {} ({:.3g} %, 95 % interval {:.2g} to {:.3g} %)\n", wrong.count,
               wrong.total,
               report.held_out ? "held-out rows, which no sampler made" : "training rows held against all others",
               100 * wrong.value, 100 * wrong.low, 100 * wrong.high);
  }
  fmt::print("  {} evaluations of the field a sample, {:.1f} s\n", run.evaluations, report.seconds);
  if (run.data.is_picture()) {
    fmt::print("pictures: grid.png nearest.png paths.png effective_sample_size.png\n");
    if (!run.data.is_eight_bit()) fmt::print("  (data units [-1, 1] shown from black to white, clipped)\n");
  }
}

void run_sample(const CLI::App& command, const SampleArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  ScheduleOptions schedule = arguments.schedule;
  if (!arguments.sigmas.empty()) schedule.sigmas = parse_numbers(arguments.sigmas, "--sigmas");
  schedule.end_at_zero = arguments.end == "zero";
  const SamplerEntry& solver = find_sampler(arguments.solver);
  const std::vector<double> levels = noise_levels(schedule);

  const Dataset data = open_dataset(arguments.data, context);
  const Empirical field(data, {.precision = arguments.precise ? Precision::kPrecise : Precision::kFast}, context);
  const std::vector<std::uint64_t> seeds = parse_seeds(arguments.seeds);
  const SampleType type = sample_type(arguments.dtype, data);
  if (arguments.label >= 0 && data.classes() == 0) {
    throw Error(fmt::format("--label {}: {} has no labels", arguments.label, data.name()));
  }
  // Nothing below throws: g++ 12 destroys members twice when an initialiser of an aggregate does.
  SamplingRun run{.data = data,
                  .sampling = {.field = field,
                               .sampler = solver,
                               .levels = levels,
                               .start = arguments.start == "exact" ? Start::kExact : Start::kNoise},
                  .evaluations = 0,
                  .seeds = seeds,
                  .label = arguments.label,
                  .batch = arguments.batch,
                  .type = type,
                  .held_out = {}};
  run.evaluations = evaluations_of(run.sampling);
  run.second_moment = arguments.label < 0 ? second_moment(field) : second_moment(data, arguments.label);
  warn_of_start(run);
  if (arguments.dry_run) {
    print_dry_run(run, arguments.json, context);
    return;
  }
  run.held_out = open_held_out(arguments.held_out, arguments.data, data, context);
  try_first_step(run, solver, context);

  const std::string out = !arguments.out.empty() ? arguments.out : arguments.resume;
  RunFolder folder = out.empty() ? RunFolder::make_numbered("runs", "sample-" + short_name(arguments.data.data))
                                 : RunFolder::take(out);
  nlohmann::json config = {{"command", "sample"},
                           {"options", resolved_options(command)},
                           {"levels", levels},
                           {"data_notes", data.notes()},
                           {"data_digest", data.digest()}};
  if (run.held_out) config["held_out_digest"] = run.held_out->digest();
  folder.begin(config);
  if (folder.is_done(kSamplesDone)) {
    if (arguments.json) {
      fmt::print("{}\n", read_json(folder / "report.json", context).dump());
    } else {
      fmt::print("{} is complete already; nothing to do\n", folder.path().string());
    }
    return;
  }
  if (!arguments.json) {
    fmt::print("{} rows of {} values from {}; {} samples, {} steps of {}\n", data.size(), data.dimension(), data.name(),
               run.seeds.size(), levels.size() - 1, solver.name);
    print_start(run);
    std::fflush(stdout);
  }
  const auto how_to_go_on = [&](std::size_t finished) {
    fmt::print(stderr, "stopped: {} of {} samples are finished; go on with: scorefield sample --resume {}\n", finished,
               run.seeds.size(), folder.path().string());
  };
  SamplingReport report;
  try {
    report = run_sampling(run, folder, context);
  } catch (const Cancelled&) {
    how_to_go_on(0);
    throw;
  }
  if (arguments.json) {
    fmt::print("{}\n", read_json(folder / "report.json", context).dump());
  } else {
    print_report(run, report);
  }
  if (!report.complete) {
    how_to_go_on(report.finished);
    throw Cancelled();
  }
  if (!arguments.json) fmt::print("{}\n", folder.path().string());
}

}  // namespace

void add_sample_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("sample", "Sample the exact reverse process of a data set");
  const auto arguments = std::make_shared<SampleArguments>();
  add_data_arguments(*command, arguments->data);
  command
      ->add_option("--held-out", arguments->held_out,
                   "Real rows for the copy rule's false-positive rate (default: the test set of a named set)")
      ->group("Data");

  command->add_option("--seeds", arguments->seeds, "One sample a seed, e.g. 0-63,100")->capture_default_str();
  command->add_option("--solver", arguments->solver, solver_help())->capture_default_str();
  command->add_option("--schedule", arguments->schedule.name, fmt::format("{}", fmt::join(schedule_names(), ", ")))
      ->capture_default_str();
  command
      ->add_option("--steps", arguments->schedule.steps, "Noise levels from sigma-max to sigma-min (EDM's num_steps)")
      ->capture_default_str();
  command->add_option("--sigma-min", arguments->schedule.sigma_min, "Last noise level above 0, data units")
      ->capture_default_str();
  command->add_option("--sigma-max", arguments->schedule.sigma_max, "First noise level, data units")
      ->capture_default_str();
  command->add_option("--rho", arguments->schedule.rho, "Of the polynomial schedule")->capture_default_str();
  command->add_option("--sigmas", arguments->sigmas, "Explicit noise levels, e.g. 80,10.98,2.5,0 (inf may be first)");
  command->add_option("--end", arguments->end, "A last step to sigma = 0, or stop at sigma-min")
      ->check(CLI::IsMember({"zero", "sigma-min"}))
      ->capture_default_str();
  command->add_option("--start", arguments->start, "From N(0, sigma_max^2 I), or from p_sigma_max itself")
      ->check(CLI::IsMember({"noise", "exact"}))
      ->capture_default_str();
  command->add_option("--label", arguments->label, "Condition on this class (-1: none)")
      ->check(CLI::Range(-1, 1 << 30))
      ->capture_default_str();
  command->add_flag("--precise", arguments->precise, "The field in double precision (1e-12), slower");
  command->add_option("--dtype", arguments->dtype, "Of samples.npz: u8 (images), f32, f64; auto: u8 for 8-bit images")
      ->check(CLI::IsMember({"auto", "u8", "f32", "f64"}))
      ->capture_default_str();

  command->add_option("--out,--outdir", arguments->out, "Run folder (default: a new one under runs/)")->group("Run");
  command->add_option("--config", arguments->config, "Repeat the run of this config.json; flags override it")
      ->group("Run");
  command->add_option("--resume", arguments->resume, "Go on with the interrupted run in this folder")->group("Run");
  command->add_option("--batch", arguments->batch, "Samples at a time; never changes a result")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Machine");
  add_machine_arguments(*command, arguments->machine);
  command->add_flag("--dry-run", arguments->dry_run, "Print evaluations, memory and time, and do nothing")
      ->group("Run");
  command->add_flag("--json", arguments->json, "Print the report as JSON")->group("Run");
  command->footer(
      "Examples:\n"
      "  scorefield sample --data fashion-mnist --seeds 0-63\n"
      "  scorefield sample --data fashion-mnist --label 9 --seeds 0-15 --solver posterior --steps 100\n"
      "  scorefield sample --data images/ --resolution 32 --steps 40 --out runs/mine\n"
      "  scorefield sample --data ring --sigma-max 20 --seeds 0-999 --dtype f64\n"
      "  scorefield sample --config runs/mine/config.json --seeds 64-127\n"
      "  scorefield sample --resume runs/mine");
  command->callback([command, arguments] { run_sample(*command, *arguments); });
}

}  // namespace scorefield

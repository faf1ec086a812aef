// scorefield sample: the exact reverse process of a data set.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/field_flags.h"
#include "scorefield/cli/sample_text.h"
#include "scorefield/cli/sampler_flags.h"
#include "scorefield/metrics/description.h"
#include "scorefield/sample/sampling_run.h"

namespace scorefield {
namespace {

struct SampleArguments {
  DataArguments data;
  MachineArguments machine;
  SamplerArguments sampler;
  std::string held_out;
  std::string seeds;
  Churn churn;
  bool analytical_first_step = false;
  std::optional<std::size_t> jump_after;
  std::string start = "noise";
  std::string noise;
  std::string step_noise;
  std::string init;
  std::optional<double> sigma_start;
  FieldArguments field;
  bool save_trajectory = false;
  std::string dtype = "auto";
  std::size_t batch = 64;
  RunArguments run;
};

SampleType sample_type(const std::string& name, const DataForm& form, bool has_data) {
  if (name == "f32") return SampleType::kF32;
  if (name == "f64") return SampleType::kF64;
  const bool eight_bit_pictures = form.is_picture() && form.eight_bit;
  if (name == "u8" && form.is_picture() && !has_data) return SampleType::kU8;
  if (name == "u8" && !eight_bit_pictures) {
    throw Error(
        fmt::format("--dtype u8 is for 8-bit grey or RGB images, which {} does not hold; use f32 or f64", form.name));
  }
  return eight_bit_pictures ? SampleType::kU8 : SampleType::kF32;
}

/// The levels, which --sigma-start begins and --jump-after ends.
std::vector<double> levels_of(const SampleArguments& arguments, SamplerArguments sampler) {
  if (arguments.sigma_start) sampler.schedule.sigma_max = *arguments.sigma_start;
  std::vector<double> levels = chosen_levels(sampler);
  if (arguments.sigma_start && levels.front() != *arguments.sigma_start) {
    throw Error(
        fmt::format("--sigma-start {}: the noise levels start at {}; the given rows can only be noised to the first",
                    *arguments.sigma_start, levels.front()));
  }
  if (!arguments.jump_after) return levels;
  const std::size_t most = levels.size() - (levels.back() == 0 ? 2 : 1);
  if (*arguments.jump_after < 1 || *arguments.jump_after > most) {
    throw Error(
        fmt::format("--jump-after {}: the noise levels make {} steps that end above sigma = 0, where there is a D "
                    "to jump to; {}",
                    *arguments.jump_after, most, most == 0 ? "take more levels" : fmt::format("give 1 to {}", most)));
  }
  levels.resize(*arguments.jump_after + 1);
  return levels;
}

Start start_of(const SampleArguments& arguments) {
  if (arguments.start != "noise" && !arguments.init.empty()) {
    throw Error(fmt::format("--start {}: with --init the run starts from the given rows; drop one", arguments.start));
  }
  if (arguments.start == "process") {
    if (arguments.sampler.process.empty()) throw Error("--start process: name the process, e.g. --process vp");
    return Start::kProcess;
  }
  if (arguments.start != "exact") return Start::kNoise;
  if (!arguments.noise.empty()) {
    throw Error("--start exact draws data and noise by the seeds, not from --noise; drop one");
  }
  return Start::kExact;
}

void check_flags(const SampleArguments& arguments, const SamplerEntry& solver) {
  if (arguments.init.empty() != !arguments.sigma_start) {
    throw Error(arguments.init.empty() ? "--sigma-start is where the rows of --init start; give them, or --sigma-max"
                                       : "--init: say to which noise level the rows are noised, e.g. --sigma-start 5");
  }
  if (!arguments.step_noise.empty() && solver.kind == SamplerKind::kOde && arguments.churn.amount == 0) {
    throw Error(fmt::format("--step-noise: {} solves an ODE and draws no noise after the start", solver.name));
  }
}

/// One seed a row of what was given; by default they are numbered from 0.
std::vector<std::uint64_t> seeds_of(const SampleArguments& arguments, const SamplingRun& run) {
  std::size_t rows = 64;
  if (run.step_noise) rows = run.step_noise->samples();
  if (run.noise) rows = run.noise->size();
  if (run.init) rows = run.init->size();
  std::vector<std::uint64_t> seeds;
  if (arguments.seeds.empty()) {
    for (std::size_t i = 0; i < rows; ++i) seeds.push_back(i);
  } else {
    seeds = parse_seeds(arguments.seeds);
  }
  const auto check = [&](const char* flag, const std::string& file, std::size_t given) {
    if (given == seeds.size()) return;
    throw Error(fmt::format(
        "{} {}: {} rows for {} samples; there must be one a sample ({})", flag, file, given, seeds.size(),
        arguments.seeds.empty() ? "their number is that of the rows of the start" : "--seeds numbers them"));
  };
  if (run.init) check("--init", arguments.init, run.init->size());
  if (run.noise) check("--noise", arguments.noise, run.noise->size());
  if (run.step_noise) check("--step-noise", arguments.step_noise, run.step_noise->samples());
  return seeds;
}

/// As parse_seeds() reads them.
std::string seeds_text(const SampleArguments& arguments, const SamplingRun& run) {
  if (!arguments.seeds.empty()) return arguments.seeds;
  return run.seeds.size() == 1 ? "0" : fmt::format("0-{}", run.seeds.size() - 1);
}

/// Refuses, before a folder is made, what would only fail in the middle of the run.
void try_first_step(const SamplingRun& run, const Context& context) {
  check_sampling_memory(run, context);
  SamplingRun first = run;
  first.sampling.levels.resize(2);
  (void)sample_some(first, 0, 1, nullptr, context);
}

void print_dry_run(const SamplingRun& run, bool json, const Context& context) {
  const std::size_t batch = std::min(run.batch, run.seeds.size());
  const std::size_t steps = run.sampling.levels.size() - 1;
  SamplingRun first = run;
  first.sampling.levels.resize(2);
  first.sampling.analytical_first_step = false;  // it would leave nothing to measure
  const auto began = std::chrono::steady_clock::now();
  const std::size_t used = sample_some(first, 0, batch, nullptr, context).evaluations[0];
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;

  constexpr double kKernelScratch = 0x1p26;
  const double scratch = static_cast<double>(8 * sizeof(double) * batch * run.form.dimension()) + kKernelScratch;
  const double batches = std::ceil(static_cast<double>(run.seeds.size()) / static_cast<double>(batch));
  const std::optional<std::size_t> evaluations = evaluations_of(run);
  const std::size_t all = evaluations.value_or(0) * run.seeds.size();
  const double seconds =
      std::ceil(elapsed.count() / static_cast<double>(used) * static_cast<double>(evaluations.value_or(0)) * batches);
  if (json) {
    nlohmann::json result = {{"samples", run.seeds.size()},
                             {"steps", steps},
                             {"nfe", nullptr},
                             {"evaluations", nullptr},
                             {"data_bytes", run.data != nullptr ? stored_bytes(*run.data) : 0},
                             {"scratch_bytes", scratch},
                             {"seconds", nullptr}};
    if (evaluations) result.update({{"nfe", *evaluations}, {"evaluations", all}, {"seconds", seconds}});
    fmt::print("{}\n", result.dump());
    return;
  }
  fmt::print("{} samples in batches of {}: {} steps, {}\n", run.seeds.size(), batch, steps,
             evaluations ? fmt::format("{} evaluations of the field a sample, {} in all", *evaluations, all)
                         : "as many evaluations of the field as the tolerances take");
  fmt::print("memory: {:.0f} MiB of data, about {:.0f} MiB of states and scratch\n",
             static_cast<double>(run.data != nullptr ? stored_bytes(*run.data) : 0) / 0x1p20, scratch / 0x1p20);
  if (evaluations) fmt::print("time: about {:.0f} s (one step of one batch measured)\n", seconds);
}

void run_sample(const CLI::App& command, const SampleArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const SamplerEntry& solver = chosen_solver(command, arguments.sampler);
  check_flags(arguments, solver);
  if (arguments.data.data.empty() && !arguments.held_out.empty()) throw no_rows_for("--held-out");
  const Subject subject = open_subject(arguments.field, arguments.data, context, !arguments.init.empty());
  const std::optional<Dataset>& rows = subject.rows;
  SamplerArguments sampler = arguments.sampler;
  sampler.schedule = fitted_to(sampler.schedule, command, subject.range);
  const std::vector<double> levels = levels_of(arguments, sampler);
  check_order(solver, arguments.sampler.options, levels.size() - 1);
  const std::unique_ptr<const Process> process = chosen_process(arguments.sampler, levels);
  const Start start = start_of(arguments);

  const Dataset& data = subject.data;
  const DataForm& form = subject.form;
  const ChosenField& chosen = subject.chosen;
  const Field& field = chosen.field();
  const SampleType type = sample_type(arguments.dtype, form, rows.has_value());
  // Nothing in here throws: g++ 12 destroys members twice when an initialiser of an aggregate does.
  SamplingRun run{.data = rows ? &*rows : nullptr,
                  .form = form,
                  .sampling = {.field = field,
                               .sampler = solver,
                               .levels = levels,
                               .process = process.get(),
                               .start = start,
                               .options = arguments.sampler.options,
                               .churn = arguments.churn,
                               .analytical_first_step = arguments.analytical_first_step,
                               .jump = arguments.jump_after.has_value()},
                  .seeds = {},
                  .label = chosen.label(),
                  .batch = arguments.batch,
                  .type = type,
                  .held_out = {},
                  .noise = {},
                  .init = {},
                  .step_noise = {},
                  .save_trajectory = arguments.save_trajectory};
  if (!arguments.noise.empty()) run.noise = open_noise(arguments.noise, data, context);
  if (!arguments.init.empty()) run.init = open_rows(arguments.init, "--init", arguments.data, data, context);
  if (!arguments.step_noise.empty()) run.step_noise.emplace(arguments.step_noise, data.dimension(), context);
  run.seeds = seeds_of(arguments, run);
  if (!chosen.is_guided()) run.second_moment = second_moment(field, run.label, context);
  (void)evaluations_of(run);  // refuses what does not go together
  if (const std::string warning = start_warning(run); !warning.empty()) fmt::print(stderr, "{}\n", warning);
  if (arguments.run.dry_run) {
    print_dry_run(run, arguments.run.json, context);
    return;
  }
  if (rows) run.held_out = open_held_out(arguments.held_out, arguments.data, data, context);
  try_first_step(run, context);

  RunFolder folder = run_folder(arguments.run, "sample-" + subject.name);
  nlohmann::json config = {{"command", "sample"}, {"options", resolved_options(command)}, {"levels", levels}};
  put_subject(subject, config);
  put_fitted(sampler.schedule, config);
  config["options"]["seeds"] = seeds_text(arguments, run);
  if (run.held_out) config["held_out_digest"] = run.held_out->digest();
  if (run.noise) config["noise_digest"] = run.noise->digest();
  if (run.init) config["init_digest"] = run.init->digest();
  if (run.step_noise) config["step_noise_digest"] = run.step_noise->digest();
  folder.begin(config);
  if (folder.is_done(kSamplesDone)) {
    if (arguments.run.json) {
      fmt::print("{}\n", read_json(folder / "report.json", context).dump());
    } else {
      fmt::print("{} is complete already; nothing to do\n", folder.path().string());
    }
    return;
  }
  if (!arguments.run.json) {
    if (rows) fmt::print("{} rows of {} values from {}; ", data.size(), data.dimension(), data.name());
    fmt::print("{} samples, {} steps of {}\n", run.seeds.size(), levels.size() - 1, solver.name);
    if (!chosen.text().empty()) fmt::print("field: {}\n", chosen.text());
    fmt::print("{}\n", start_text(run));
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
  if (arguments.run.json) {
    fmt::print("{}\n", read_json(folder / "report.json", context).dump());
  } else {
    fmt::print("{}", report_text(run, report));
  }
  if (!report.complete) {
    how_to_go_on(report.finished);
    throw Cancelled();
  }
  if (!arguments.run.json) fmt::print("{}\n", folder.path().string());
}

void add_stochastic_flags(CLI::App& command, SampleArguments& arguments) {
  const char* const group = "Solver and noise levels";
  CLI::Option* churn = command
                           .add_option("--S-churn,--S_churn", arguments.churn.amount,
                                       "Noise added before each evaluation (EDM, algorithm 2): euler, heun, dpm2")
                           ->check(not_negative)
                           ->group(group);
  const auto add = [&](const char* name, double& value, const char* help) {
    command.add_option(name, value, help)->check(not_negative)->needs(churn)->group(group);
  };
  add("--S-min,--S_min", arguments.churn.sigma_min, "Churn at noise levels from here (default 0)");
  add("--S-max,--S_max", arguments.churn.sigma_max, "to here (default inf)");
  add("--S-noise,--S_noise", arguments.churn.noise, "A factor on its noise (default 1)");
  command
      .add_option("--step-noise", arguments.step_noise,
                  "The noise of a stochastic solver, or of churn: an .npy [draws, N, d] in the order of the draws")
      ->group(group);
  command
      .add_flag("--afs", arguments.analytical_first_step,
                "Analytical first step: the first evaluation is saved, as if the data were N(0, I)")
      ->group(group);
  command.add_option("--jump-after", arguments.jump_after, "ODE-Jump: stop after this many steps, and return D there")
      ->group(group);
}

void add_start_flags(CLI::App& command, SampleArguments& arguments) {
  const char* const group = "Start";
  command
      .add_option("--start", arguments.start,
                  "From N(0, sigma_max^2 I), from N(0, I) in the coordinates of --process, or from p_sigma_max itself")
      ->check(CLI::IsMember({"noise", "process", "exact"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--noise", arguments.noise,
                  "Unit noise in place of the seeds' own: an .npy of floats, a row a sample")
      ->group(group);
  command
      .add_option("--init", arguments.init,
                  "Start from these rows (data units), a row a sample, with noise up to --sigma-start")
      ->group(group);
  command.add_option("--sigma-start", arguments.sigma_start, "Where --init starts, and so the first noise level")
      ->check(above_zero)
      ->group(group);
}

}  // namespace

void add_sample_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("sample", "Sample the exact reverse process of a data set, or a model's");
  const auto arguments = std::make_shared<SampleArguments>();
  add_data_arguments(*command, arguments->data);
  command->get_option("--data")->required(false);
  command
      ->add_option("--held-out", arguments->held_out,
                   "Real rows for the copy rule's false-positive rate (default: the test set of a named set)")
      ->group("Data");

  command->add_option("--seeds", arguments->seeds,
                      "One sample a seed, e.g. 0-63,100 (default: 0-63, or a number a given row)");
  add_sampler_arguments(*command, arguments->sampler);
  add_end_argument(*command, arguments->sampler);
  add_stochastic_flags(*command, *arguments);
  add_start_flags(*command, *arguments);
  add_field_arguments(*command, arguments->field);
  add_model_arguments(*command, arguments->field.model);
  add_label_argument(*command, arguments->field);
  add_guide_arguments(*command, arguments->field);
  command->add_flag("--save-trajectory", arguments->save_trajectory,
                    "trajectory.npz: the states of every sample at every noise level, float64");
  command->add_option("--dtype", arguments->dtype, "Of samples.npz: u8 (images), f32, f64; auto: u8 for 8-bit images")
      ->check(CLI::IsMember({"auto", "u8", "f32", "f64"}))
      ->capture_default_str();

  add_run_arguments(*command, arguments->run,
                    {.resumes = true,
                     .dry_run = "Print evaluations, memory and time, and do nothing",
                     .json = "Print the report as JSON"});
  add_batch_argument(*command, arguments->batch, "Samples");
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield sample --data fashion-mnist --seeds 0-63\n"
      "  scorefield sample --data fashion-mnist --label 9 --seeds 0-15 --solver posterior --steps 100\n"
      "  scorefield sample --data fashion-mnist --class Dress --guidance 2 --guidance-interval 0.5,20 --seeds 0-15\n"
      "  scorefield sample --data fashion-mnist --class 3 --guidance 2 --negative-class 0 --seeds 0-15\n"
      "  scorefield sample --data fashion-mnist --class 3 --guidance 2 --guide-subset 1000 --seeds 0-15\n"
      "  scorefield sample --model net.pt --seeds 0-63 --dtype u8\n"
      "  scorefield sample --data images/ --resolution 32 --steps 40 --out runs/mine\n"
      "  scorefield sample --data ring --sigma-max 20 --seeds 0-999 --dtype f64\n"
      "  scorefield sample --data ring --solver heun --S-churn 20 --S-noise 1.003 --sigma-max 20\n"
      "  scorefield sample --data ring --process vp --start process --schedule vp-uniform --sigma-max 20\n"
      "  scorefield sample --data ring --sigma-max 20 --jump-after 9 --afs --save-trajectory\n"
      "  scorefield sample --data fashion-mnist --init fashion-mnist:test --sigma-start 2 --seeds 0-9999\n"
      "  scorefield sample --config runs/mine/config.json --seeds 64-127\n"
      "  scorefield sample --resume runs/mine");
  command->callback([command, arguments] { run_sample(*command, *arguments); });
}

}  // namespace scorefield

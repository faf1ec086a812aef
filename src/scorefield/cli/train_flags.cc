#include "scorefield/cli/train_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/learn/autoencoder_training.h"
#include "scorefield/learn/classifier_training.h"

namespace scorefield {
namespace {

constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 40;

constexpr std::uint64_t kLines = 200;      // of stats.jsonl
constexpr std::uint64_t kWarmUpPart = 20;  // of the steps

/// What suits a kind of network on two cores.
struct KindDefaults {
  std::size_t width;
  std::size_t layers;
  std::size_t patch;
  std::size_t batch;
  std::size_t micro_batch;
  double rate;
};

constexpr const char* kClassifier = "classifier";
constexpr const char* kAutoencoder = "vae";

KindDefaults defaults_of(const std::string& kind) {
  if (kind == kClassifier) return {32, 3, 2, 128, 32, 2e-3};
  if (kind == kAutoencoder) return {16, 2, 2, 128, 32, 2e-3};
  if (kind == "mlp") return {128, 4, 1, 512, 128, 3e-3};
  if (kind == "dit") return {64, 4, 4, 32, 16, 4e-3};
  return {16, 3, 1, 32, 16, 4e-3};
}

/// A size of a network, the flag that sets it, and the kinds of network that have it.
struct SizeFlag {
  const char* name;
  std::optional<std::size_t> TrainArguments::*typed;
  std::size_t net::Architecture::*size;
  std::string_view kinds;
  const char* help;
};

constexpr SizeFlag kSizes[] = {
    {"--width", &TrainArguments::width, &net::Architecture::width, "mlp unet dit encoder classifier",
     "mlp: units a layer; dit: of a token; others: channels at full resolution"},
    {"--layers", &TrainArguments::layers, &net::Architecture::layers, "mlp dit", "mlp: hidden layers; dit: blocks"},
    {"--blocks", &TrainArguments::blocks, &net::Architecture::blocks, "unet encoder classifier",
     "unet, classifier, vae: residual blocks a resolution (1)"},
    {"--attention-below", &TrainArguments::attention_below, &net::Architecture::attention_below, "unet",
     "unet: attention where height and width are at most this (8)"},
    {"--heads", &TrainArguments::heads, &net::Architecture::heads, "unet dit", "unet, dit: heads of attention (4)"},
    {"--groups", &TrainArguments::groups, &net::Architecture::groups, "unet encoder classifier",
     "unet, classifier, vae: groups of group norm (8)"},
    {"--patch", &TrainArguments::patch, &net::Architecture::patch, "unet dit encoder classifier",
     "Of images: pixels a side of what the network sees as one position"},
    {"--frequencies", &TrainArguments::frequencies, &net::Architecture::frequencies, "mlp unet dit classifier",
     "Of the Fourier features of the noise level (16)"},
};
constexpr std::string_view kKindsWithMultipliers = "unet encoder classifier";

bool sees_noise(const TrainArguments& arguments) {
  return arguments.arch != kAutoencoder && (arguments.arch != kClassifier || arguments.noisy);
}

bool has_size(const TrainArguments& arguments, const std::string& kind, const SizeFlag& flag) {
  const bool is_of_noise = flag.size == &net::Architecture::frequencies;
  return flag.kinds.find(kind) != std::string_view::npos && (!is_of_noise || sees_noise(arguments));
}

/// Throws Error for a size that the kind of network does not have.
void check_sizes(const TrainArguments& arguments, const std::string& kind) {
  const auto refuse = [&](const char* flag) {
    throw Error(fmt::format("{} says nothing to --arch {}{}; drop it", flag,
                            arguments.arch.empty() ? kind : arguments.arch,
                            kind == "mlp" && !arguments.arch.empty() && arguments.arch != kind ? ", of vectors" : ""));
  };
  for (const SizeFlag& flag : kSizes) {
    if (arguments.*flag.typed && !has_size(arguments, kind, flag)) refuse(flag.name);
  }
  if (!arguments.multipliers.empty() && kKindsWithMultipliers.find(kind) == std::string_view::npos) {
    refuse("--multipliers");
  }
}

/// Halves the image, as far as its size divides, down to 8 pixels a side or fewer, each time with twice the channels:
/// at equal time better on Fashion-MNIST than positions of 2 x 2 pixels with more of them (docs/networks.md).
std::vector<std::size_t> multipliers_for(const std::vector<std::size_t>& shape, std::size_t patch) {
  const auto divides = [&](std::size_t unit) { return shape[1] % unit == 0 && shape[2] % unit == 0; };
  std::vector<std::size_t> multipliers = {1};
  for (std::size_t unit = patch; std::max(shape[1], shape[2]) / unit > 8 && divides(2 * unit); unit *= 2) {
    multipliers.push_back(2 * multipliers.back());
  }
  return multipliers;
}

net::Architecture architecture_of(const TrainArguments& arguments, const Dataset& data) {
  net::Architecture architecture;
  architecture.kind = !arguments.arch.empty() ? arguments.arch : data.is_image() ? "unet" : "mlp";
  const bool is_classifier = architecture.kind == kClassifier;
  const bool is_autoencoder = architecture.kind == kAutoencoder;
  if ((is_classifier || is_autoencoder) && !data.is_image()) architecture.kind = "mlp";
  if (is_autoencoder && data.is_image()) architecture.kind = "encoder";
  if (architecture.kind != "mlp" && !data.is_image()) {
    throw Error(fmt::format("--arch {} takes images, and {} holds vectors of {} values; take mlp", architecture.kind,
                            data.name(), data.dimension()));
  }
  const KindDefaults defaults = defaults_of(architecture.kind == "encoder" ? kAutoencoder : architecture.kind);
  check_sizes(arguments, architecture.kind);
  architecture.width = defaults.width;
  architecture.layers = defaults.layers;
  architecture.patch = defaults.patch;
  for (const SizeFlag& flag : kSizes)
    architecture.*flag.size = (arguments.*flag.typed).value_or(architecture.*flag.size);
  if (!arguments.multipliers.empty()) {
    architecture.multipliers.clear();
    for (const std::uint64_t factor : parse_ranges(arguments.multipliers, "--multipliers")) {
      architecture.multipliers.push_back(factor);
    }
  }
  if (architecture.kind == "unet") {
    architecture.blocks = arguments.blocks.value_or(1);
    if (arguments.multipliers.empty()) architecture.multipliers = multipliers_for(data.shape(), architecture.patch);
  }
  if (architecture.kind == kClassifier || architecture.kind == "encoder") {  // small: each is asked for many rows
    if (arguments.multipliers.empty()) architecture.multipliers = {1, 2};
    architecture.blocks = arguments.blocks.value_or(1);
  }
  if (is_classifier) return classifier_architecture(architecture, form_of(data), arguments.noisy);
  if (is_autoencoder) return architecture;
  return fit_architecture(architecture, data, arguments.conditional);
}

std::vector<std::size_t> latents_of(const TrainArguments& arguments, const Dataset& data) {
  if (arguments.latents.empty()) return {std::min<std::size_t>(16, data.dimension())};
  std::vector<std::size_t> latents;
  for (const std::uint64_t m : parse_ranges(arguments.latents, "--latent")) latents.push_back(m);
  return latents;
}

/// Throws Error for flags that say nothing to what is trained.
void check_kind(const TrainArguments& arguments) {
  const bool is_classifier = arguments.arch == kClassifier;
  const bool is_autoencoder = arguments.arch == kAutoencoder;
  if (arguments.noisy && !is_classifier) {
    throw Error("--noisy is for --arch classifier; a denoiser sees noise anyway");
  }
  if ((!arguments.latents.empty() || arguments.kl_weight != 1) && !is_autoencoder) {
    throw Error("--latent and --kl-weight are for --arch vae");
  }
  if (!is_classifier && !is_autoencoder) return;
  if (arguments.conditional) {
    throw Error(fmt::format("--conditional: {} is not told the class; drop it",
                            is_classifier ? "a classifier" : "an autoencoder"));
  }
  if (arguments.predicts != "edm" || !arguments.process.empty() || arguments.objective != "denoising" ||
      arguments.weight != "plain") {
    throw Error(fmt::format("--predicts, --process, --objective and --weight are for denoisers, not for --arch {}",
                            arguments.arch));
  }
  if (arguments.noisy ||
      (arguments.noise_law.empty() && arguments.importance.empty() && !arguments.sigma_min && !arguments.sigma_max)) {
    return;
  }
  throw Error(is_classifier ? "a classifier sees noise with --noisy only; add it, or drop the flags of the noise levels"
                            : "an autoencoder sees no noise levels; drop their flags");
}

/// Throws Error for flags of the loss that would do nothing, or that make another loss than they say.
void check_loss(const TrainArguments& arguments, const TrainingSettings& settings, std::size_t dimension) {
  const auto has_range = [](const std::string& law) {
    return law.starts_with("uniform") || law.starts_with("log-uniform");
  };
  if ((arguments.sigma_min || arguments.sigma_max) && !has_range(settings.noise_law) &&
      !has_range(settings.importance)) {
    throw Error(fmt::format("--sigma-min and --sigma-max are the ends of the uniform laws; the noise law is {}",
                            settings.noise_law));
  }
  if (arguments.probes != 1 && arguments.objective != "sliced") {
    throw Error("--probes are the directions of --objective sliced");
  }
  if (arguments.objective == "explicit" && settings.loader.flip) {
    throw Error("--objective explicit: the exact field is that of the rows as they are; drop --augment flip");
  }
  constexpr std::size_t kMostDirections = 256;
  if (arguments.objective == "implicit" && dimension > kMostDirections) {
    throw Error(
        fmt::format("--objective implicit takes the derivative in each of the {} values of a row, and keeps them "
                    "all; above {} take denoising, or sliced",
                    dimension, kMostDirections));
  }
}

std::uint64_t share_of(std::uint64_t steps, std::uint64_t pieces) {
  return std::max<std::uint64_t>(1, steps / pieces);
}

}  // namespace

TrainingRun training_run_of(const TrainArguments& arguments, const Dataset& data, const Dataset* held_out) {
  if (!arguments.steps && !arguments.minutes) throw Error("say how long to train: --minutes 10, or --steps 20000");
  check_kind(arguments);
  if (arguments.class_dropout && !arguments.conditional) {
    throw Error("--class-dropout leaves out classes, which are only given with --conditional");
  }
  TrainingRun run{data, held_out, {}, 1, 1, 0, {}, make_denoiser_training};
  if (arguments.arch == kClassifier) {
    run.make = [noisy = arguments.noisy](const TrainingRun& of, const Context& context) {
      return std::make_unique<ClassifierTraining>(of.settings, noisy, of.data, of.held_out, context);
    };
  }
  TrainingSettings& settings = run.settings;
  if (arguments.arch == kAutoencoder) {
    run.make = [](const TrainingRun& of, const Context& context) {
      return std::make_unique<AutoencoderTraining>(of.settings, of.data, of.held_out, context);
    };
    settings.latents = latents_of(arguments, data);
    settings.kl_weight = arguments.kl_weight;
  }
  settings.architecture = architecture_of(arguments, data);
  const bool is_denoiser = arguments.arch != kClassifier && arguments.arch != kAutoencoder;
  const KindDefaults defaults = defaults_of(is_denoiser ? settings.architecture.kind : arguments.arch);
  settings.target.predicts = target_name(arguments.predicts);
  settings.target.process = arguments.process;
  if (settings.target.process.empty())
    settings.target.process = settings.target.predicts == "velocity" ? "flow" : "edm";
  settings.target.sigma_data = 1;  // the data's own comes later
  settings.objective = objective_of(arguments.objective);
  settings.probes = arguments.probes;
  settings.weight = arguments.weight;
  // In a process's own time where the prediction is its own.
  settings.noise_law = arguments.noise_law;
  if (settings.noise_law.empty() && arguments.noisy) settings.noise_law = "log-uniform";
  if (settings.noise_law.empty()) settings.noise_law = settings.target.process == "edm" ? "lognormal" : "uniform";
  settings.importance = arguments.importance;
  settings.sigma_min = arguments.sigma_min.value_or(0);
  settings.sigma_max = arguments.sigma_max.value_or(std::numeric_limits<double>::infinity());
  settings.antithetic = !arguments.independent_levels;
  settings.loader.seed = arguments.seed;
  settings.loader.batch = arguments.batch.value_or(defaults.batch);
  settings.loader.labels = arguments.conditional;
  settings.loader.class_dropout = arguments.class_dropout.value_or(arguments.conditional ? 0.1 : 0);
  settings.loader.flip = arguments.augment == "flip";
  check_loss(arguments, settings, data.dimension());
  settings.micro_batch = std::min(arguments.micro_batch.value_or(defaults.micro_batch), settings.loader.batch);
  settings.trainer.rate.rate = arguments.rate.value_or(defaults.rate);
  set_decay(arguments.rate_decay, settings.trainer.rate);
  settings.trainer.adam.weight_decay = arguments.weight_decay;
  settings.trainer.adam.beta2 = arguments.beta2;
  settings.trainer.clip = arguments.clip;
  settings.trainer.average = average_options(arguments.average);
  settings.arithmetic = arguments.precision == "bf16" ? net::Arithmetic::kBfloat16 : net::Arithmetic::kFloat32;
  settings.held_out_rows = arguments.held_out_rows;
  (void)make_preconditioner(settings.target);
  set_steps(arguments, arguments.steps.value_or(kMostSteps), run);
  return run;
}

void set_steps(const TrainArguments& arguments, std::uint64_t steps, TrainingRun& run, const Records& records) {
  RateSchedule& rate = run.settings.trainer.rate;
  rate.steps = steps;
  rate.warm_up = arguments.warm_up.value_or(steps / kWarmUpPart);
  run.record_every = arguments.record_every.value_or(share_of(steps, kLines));
  run.checkpoint_every = arguments.checkpoint_every.value_or(share_of(steps, records.checkpoints));
  run.grid_every = arguments.grid_every.value_or(share_of(steps, records.grids));
}

void put_resolved(const TrainArguments& arguments, const TrainingRun& run, nlohmann::json& options) {
  const TrainingSettings& settings = run.settings;
  const net::Architecture& architecture = settings.architecture;
  options.erase("minutes");
  const bool is_denoiser = arguments.arch != kClassifier && arguments.arch != kAutoencoder;
  options["arch"] = is_denoiser ? architecture.kind : arguments.arch;
  for (const SizeFlag& flag : kSizes) {
    if (has_size(arguments, architecture.kind, flag)) options[flag.name + 2] = architecture.*flag.size;
  }
  if (kKindsWithMultipliers.find(architecture.kind) != std::string_view::npos) {
    options["multipliers"] = fmt::format("{}", fmt::join(architecture.multipliers, ","));
  }
  if (is_denoiser) options["process"] = settings.target.process;
  if (is_denoiser || arguments.noisy) options["noise-law"] = settings.noise_law;
  if (arguments.arch == kAutoencoder) options["latent"] = fmt::format("{}", fmt::join(settings.latents, ","));
  options["batch"] = settings.loader.batch;
  options["micro-batch"] = settings.micro_batch;
  options["lr"] = settings.trainer.rate.rate;
  options["warm-up"] = settings.trainer.rate.warm_up;
  options["steps"] = settings.steps();
  if (arguments.conditional) options["class-dropout"] = settings.loader.class_dropout;
  options["record-every"] = run.record_every;
  options["checkpoint-every"] = run.checkpoint_every;
  options["grid-every"] = run.grid_every;
}

void add_train_flags(CLI::App& command, TrainArguments& arguments) {
  const auto whole = CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 20);
  const auto counted = CLI::Range(std::uint64_t{1}, kMostSteps);

  const char* group = "Network";
  command
      .add_option("--arch", arguments.arch,
                  "mlp, unet (images) or dit (images), which denoise; default: unet for images, else mlp. classifier: "
                  "of the labels. vae: an autoencoder, convolutional of images")
      ->check(CLI::IsMember({"mlp", "unet", "dit", kClassifier, kAutoencoder}))
      ->group(group);
  command
      .add_option("--latent", arguments.latents,
                  "vae: latents (16; of shorter rows as many as a row has values); a list gives a hierarchy, from the "
                  "data up")
      ->group(group);
  command.add_flag("--noisy", arguments.noisy, "classifier: of rows at every noise level, which can guide")
      ->group(group);
  for (const SizeFlag& flag : kSizes) {
    command.add_option(flag.name, arguments.*flag.typed, flag.help)->check(whole)->group(group);
  }
  command
      .add_option("--multipliers", arguments.multipliers,
                  "unet, classifier, vae: of the width at each resolution (unet: 1,2,4,... down to 8 pixels; 1,2)")
      ->group(group);

  group = "Loss";
  command.add_option("--predicts", arguments.predicts, "edm, x0, eps, v, score or flow")
      ->capture_default_str()
      ->group(group);
  command.add_option("--process", arguments.process, "In whose coordinates (default: edm; of flow: flow)")
      ->group(group);
  command
      .add_option("--weight", arguments.weight,
                  "Of |D - x0|^2: plain (|prediction - its target|^2), edm, uniform, x0, eps, v, score, flow, snr, "
                  "min-snr:5, max-snr, snr+1, ou:K")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--noise-law", arguments.noise_law,
                  "Of the noise levels: lognormal[:MEAN,DEVIATION], log-uniform, uniform (in the process's time), "
                  "table:FILE (default: lognormal; of another process than edm: uniform; of a classifier: log-uniform)")
      ->group(group);
  command
      .add_option("--importance", arguments.importance,
                  "Draw levels from this law instead, each counting as much more as it is rarer: the same loss")
      ->group(group);
  command.add_option("--sigma-min", arguments.sigma_min, "Lowest level of the uniform laws")
      ->check(above_zero)
      ->group(group);
  command.add_option("--sigma-max", arguments.sigma_max, "Highest level of the uniform laws")
      ->check(above_zero)
      ->group(group);
  command
      .add_flag("--independent-levels", arguments.independent_levels,
                "Draw each row's level on its own, not spread evenly over the batch")
      ->group(group);
  command
      .add_option("--objective", arguments.objective,
                  "denoising, explicit (the data's exact field), implicit or sliced (few dimensions)")
      ->check(CLI::IsMember({"denoising", "explicit", "implicit", "sliced"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--kl-weight", arguments.kl_weight, "vae: of the divergence from the prior in its loss; 1: the ELBO")
      ->check(not_negative)
      ->capture_default_str()
      ->group(group);
  command.add_option("--probes", arguments.probes, "Random directions a row, of sliced score matching")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);

  group = "Training";
  CLI::Option* steps = command.add_option("--steps", arguments.steps, "Steps")->check(counted)->group(group);
  command.add_option("--minutes", arguments.minutes, "Measure the rate for some seconds, and take the steps that fit")
      ->check(above_zero)
      ->excludes(steps)
      ->group(group);
  command.add_option("--batch", arguments.batch, "Rows a step")->check(whole)->group(group);
  command.add_option("--micro-batch", arguments.micro_batch, "Rows that one thread takes at a time")
      ->check(whole)
      ->group(group);
  command.add_option("--lr", arguments.rate, "Learning rate of AdamW")->check(above_zero)->group(group);
  command.add_option("--warm-up", arguments.warm_up, "Steps in which it rises (default: a twentieth)")
      ->check(CLI::Range(std::uint64_t{0}, kMostSteps))
      ->group(group);
  command.add_option("--lr-decay", arguments.rate_decay, "constant, cosine or inverse-sqrt:STEPS")
      ->capture_default_str()
      ->group(group);
  command.add_option("--weight-decay", arguments.weight_decay, "Of matrices and kernels")
      ->check(not_negative)
      ->capture_default_str()
      ->group(group);
  command.add_option("--beta2", arguments.beta2, "Memory of AdamW's second moment")
      ->check(CLI::Range(0.0, 0.999999))
      ->capture_default_str()
      ->group(group);
  command.add_option("--clip", arguments.clip, "The gradient is scaled down to this norm (inf: never)")
      ->check([](const std::string& text) { return text == "inf" ? std::string() : above_zero(text); })
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--ema", arguments.average,
                  "Average of the weights, which makes the samples: half-life:ROWS,SHARE (at most SHARE of the rows "
                  "seen), decay:BETA, none")
      ->capture_default_str()
      ->group(group);
  command.add_flag("--conditional", arguments.conditional, "Train on the labels")->group(group);
  command.add_option("--class-dropout", arguments.class_dropout, "Share of rows without their label (0.1)")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  command.add_option("--augment", arguments.augment, "none, or flip: half of the images mirrored left to right")
      ->check(CLI::IsMember({"none", "flip"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--precision", arguments.precision, "f32, or bf16 for the multiplications")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", arguments.seed, "Of the first weights, rows, levels and noise")
      ->capture_default_str()
      ->group(group);

  group = "Records";
  const auto add_interval = [&](const char* name, std::optional<std::uint64_t>& value, const char* help) {
    command.add_option(name, value, help)->check(counted)->group(group);
  };
  add_interval("--record-every", arguments.record_every, "Steps between lines of stats.jsonl (default: a 200th)");
  add_interval("--checkpoint-every", arguments.checkpoint_every,
               "Steps between checkpoints, with the held-out loss (default: a 20th)");
  add_interval("--grid-every", arguments.grid_every, "Steps between sample grids (default: a fifth)");
  command.add_option("--held-out-rows", arguments.held_out_rows, "Rows of the held-out loss; 0: none")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str()
      ->group(group);
}

}  // namespace scorefield

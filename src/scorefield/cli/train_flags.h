// The flags of `scorefield train`: as typed, and the settings that they and their defaults make.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "scorefield/data/dataset.h"
#include "scorefield/learn/training_run.h"

namespace CLI {
class App;
}  // namespace CLI

namespace scorefield {

/// What is not typed has a default that may depend on the kind of network, and on the number of steps.
struct TrainArguments {
  std::string arch;
  bool noisy = false;   // of a classifier
  std::string latents;  // of an autoencoder, by level
  double kl_weight = 1;
  std::optional<std::size_t> width, layers, blocks, heads, patch, groups, frequencies, attention_below;
  std::string multipliers;

  std::string predicts = "edm";
  std::string process;
  std::string objective = "denoising";
  std::size_t probes = 1;
  std::string weight = "plain";
  std::string noise_law;
  std::string importance;
  std::optional<double> sigma_min, sigma_max;
  bool independent_levels = false;

  std::optional<std::uint64_t> steps;
  std::optional<double> minutes;
  std::optional<std::size_t> batch, micro_batch;
  std::optional<double> rate;
  std::optional<std::uint64_t> warm_up;
  std::string rate_decay = "cosine";
  double weight_decay = 0;
  double beta2 = 0.999;
  double clip = 1;
  std::string average = "half-life:500000,0.05";
  bool conditional = false;
  std::optional<double> class_dropout;
  std::string augment = "none";
  std::string precision = "f32";
  std::uint64_t seed = 0;

  std::size_t held_out_rows = 1024;
  std::optional<std::uint64_t> record_every, checkpoint_every, grid_every;
};

void add_train_flags(CLI::App& command, TrainArguments& arguments);

/// The run that the flags ask for. Where --minutes does, its length is not known yet: steps is then as many as can be
/// counted. Throws Error for flags that do not go together, or with the data.
TrainingRun training_run_of(const TrainArguments& arguments, const Dataset& data, const Dataset* held_out);

/// Fixes the number of steps, and what depends on it.
void set_steps(const TrainArguments& arguments, std::uint64_t steps, TrainingRun& run, const Records& records = {});

/// Every flag with the value it ended up with, as --config reads it back.
void put_resolved(const TrainArguments& arguments, const TrainingRun& run, nlohmann::json& options);

}  // namespace scorefield

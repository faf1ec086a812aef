// A denoiser in training: from settings and data to the trainer, and to the model.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "scorefield/data/dataset.h"
#include "scorefield/learn/batch_loader.h"
#include "scorefield/learn/denoiser.h"
#include "scorefield/learn/score_matching.h"
#include "scorefield/learn/trainer.h"

namespace scorefield {

/// Everything that fixes what a training computes, besides the data. Text is as the flags of `scorefield train` have
/// it.
struct TrainingSettings {
  net::Architecture architecture;
  Target target;
  Objective objective = Objective::kDenoising;
  std::size_t probes = 1;               // of sliced score matching
  std::string weight = "plain";         // make_loss_weight()
  std::string noise_law = "lognormal";  // make_noise_law()
  std::string importance;               // a law to draw from in its place; empty: none
  double sigma_min = 0;                 // of the uniform law
  double sigma_max = std::numeric_limits<double>::infinity();
  bool antithetic = true;
  LoaderOptions loader;
  std::size_t micro_batch = 32;
  TrainerOptions trainer;  // trainer.rate.steps is the length of the run
  net::Arithmetic arithmetic = net::Arithmetic::kFloat32;
  std::size_t held_out_rows = 1024;

  std::uint64_t steps() const { return trainer.rate.steps; }
};

/// The network's shapes and classes for this data; `kind` and the other hyperparameters are kept.
net::Architecture fit_architecture(net::Architecture architecture, const Dataset& data, bool labels);

/// All of a training's state in memory.
class DenoiserTraining {
 public:
  /// held_out: rows for the loss at fixed noise; null: training rows. Throws Error for settings that do not go together
  /// or with the data, data that is constant, and memory over the limit.
  DenoiserTraining(const TrainingSettings& settings, const Dataset& data, const Dataset* held_out,
                   const Context& context);
  ~DenoiserTraining();
  DenoiserTraining(const DenoiserTraining&) = delete;
  DenoiserTraining& operator=(const DenoiserTraining&) = delete;

  Trainer& trainer() { return *trainer_; }
  const Trainer& trainer() const { return *trainer_; }
  const Weights& weights() const { return *weights_; }
  /// With the averaged weights. training: what the model says of how it was trained.
  Denoiser denoiser(nlohmann::json training) const;

 private:
  TrainingSettings settings_;
  DataForm form_;
  CentredLaw law_;
  std::unique_ptr<Weights> weights_;
  std::unique_ptr<Task> task_;
  std::unique_ptr<Trainer> trainer_;
};

/// Target::sigma_data and the centre come from the data; before training, for laws that depend on them.
double sigma_data_of(const Dataset& data, const Context& context);

}  // namespace scorefield

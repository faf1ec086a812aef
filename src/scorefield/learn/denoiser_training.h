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
#include "scorefield/learn/training.h"

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
  std::vector<std::size_t> latents;  // of an autoencoder, by level from the data up
  double kl_weight = 1;              // and the weight of all but its likelihood of the data

  std::uint64_t steps() const { return trainer.rate.steps; }
};

/// The network's shapes and classes for this data; `kind` and the other hyperparameters are kept.
net::Architecture fit_architecture(net::Architecture architecture, const Dataset& data, bool labels);

class DenoiserTraining final : public Training {
 public:
  /// held_out: rows for the loss at fixed noise; null: training rows. Throws Error for settings that do not go together
  /// or with the data, data that is constant, and memory over the limit.
  DenoiserTraining(const TrainingSettings& settings, const Dataset& data, const Dataset* held_out,
                   const Context& context);
  ~DenoiserTraining() override;

  Trainer& trainer() override { return *trainer_; }
  const Trainer& trainer() const { return *trainer_; }
  const Weights& weights() const { return *weights_; }
  /// With the averaged weights. training: what the model says of how it was trained.
  Denoiser denoiser(nlohmann::json training) const;
  void write(const std::filesystem::path& path, const nlohmann::json& training) const override;
  std::string loss_label() const override;
  /// Samples: of grey or RGB images, and of points in the plane.
  std::size_t picture_evaluations() const override;
  void write_picture(const std::filesystem::path& stem, const Context& context) const override;

 private:
  TrainingSettings settings_;
  Dataset data_;
  DataForm form_;
  CentredLaw law_;
  std::unique_ptr<Weights> weights_;
  std::unique_ptr<Task> task_;
  std::unique_ptr<Trainer> trainer_;
};

/// Where the noise levels and their weights come from, about the centre [d].
NoisingOptions noising_of(const TrainingSettings& settings, std::vector<double> centre);
/// The held-out rows' batch, in which no class is left out and nothing is flipped; none where settings say so.
std::optional<NoisedRows> held_out_rows(const TrainingSettings& settings, const Dataset& data,
                                        const NoisingOptions& options);
/// centred_law() of what is learnt. Throws Error where all rows are the same.
CentredLaw learnt_law(const Dataset& data, const Context& context);

/// Throws Error where held-out rows have labels that the data do not have.
void check_same_labels(const Dataset& data, const Dataset& held_out);

/// Target::sigma_data and the centre come from the data; before training, for laws that depend on them.
double sigma_data_of(const Dataset& data, const Context& context);

}  // namespace scorefield

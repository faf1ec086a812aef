// An autoencoder in training: from settings and data to the trainer, and to the model.
#pragma once

#include <memory>
#include <vector>

#include "scorefield/learn/autoencoder_task.h"
#include "scorefield/learn/denoiser_training.h"
#include "scorefield/learn/hierarchy.h"

namespace scorefield {

class AutoencoderTraining final : public Training {
 public:
  /// settings: latents, kl_weight, and an architecture as hierarchy() takes it; what concerns denoisers alone is not
  /// read. held_out: rows for the loss at fixed noise; null: training rows. Throws Error as hierarchy() and
  /// autoencoder_units() do, and for memory over the limit.
  AutoencoderTraining(const TrainingSettings& settings, const Dataset& data, const Dataset* held_out,
                      const Context& context);

  Trainer& trainer() override { return *trainer_; }
  std::string loss_label() const override { return "minus the bound [bits a value]"; }
  /// With the averaged weights and the standardisation of latents. training: what the model says of how it was trained.
  Autoencoder autoencoder(nlohmann::json training) const;
  void write(const std::filesystem::path& path, const nlohmann::json& training) const override;
  /// Of pictures: rows, each above what comes back of it, and below them draws of the prior decoded. Of points in the
  /// plane: draws over the data.
  std::size_t picture_evaluations() const override;
  void write_picture(const std::filesystem::path& stem, const Context& context) const override;

 private:
  TrainingSettings settings_;
  Dataset data_;
  Dataset shown_;
  DataForm form_;
  AutoencoderUnits units_;
  std::vector<LevelArchitecture> levels_;
  std::unique_ptr<Weights> weights_;
  std::unique_ptr<AutoencoderTask> task_;
  std::unique_ptr<Trainer> trainer_;
  Context context_;  // of the training, for write()
};

}  // namespace scorefield

// A classifier in training: from settings and data to the trainer, and to the model.
#pragma once

#include <optional>
#include "scorefield/learn/classifier.h"
#include "scorefield/learn/denoiser_training.h"

namespace scorefield {

class ClassifierTraining final : public Training {
 public:
  /// settings.architecture: as classifier_architecture() makes it. noisy: as Classifier::noisy; the levels are those of
  /// the settings' law, all of weight 1. What concerns denoisers alone is not read. held_out: as DenoiserTraining's.
  /// Throws Error as DenoiserTraining does, for classes that are left out, and held-out rows with labels that the data
  /// do not have.
  ClassifierTraining(const TrainingSettings& settings, bool noisy, const Dataset& data, const Dataset* held_out,
                     const Context& context);

  Trainer& trainer() override { return *trainer_; }
  std::string loss_label() const override { return "cross-entropy [nats]"; }
  /// With the averaged weights. training: what the model says of how it was trained.
  Classifier classifier(nlohmann::json training) const;
  void write(const std::filesystem::path& path, const nlohmann::json& training) const override;
  /// held_out_accuracy: the share of the first held-out rows that are told right; of a noisy classifier at sigma =
  /// sigma_data.
  nlohmann::json figures(const Context& context) const override;

 private:
  std::optional<Dataset> measured_;
  Classifier made_;  // without weights
  std::unique_ptr<Weights> weights_;
  std::unique_ptr<Task> task_;
  std::unique_ptr<Trainer> trainer_;
};

}  // namespace scorefield

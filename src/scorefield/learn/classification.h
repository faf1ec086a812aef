// The loss of a classifier: the cross-entropy of the classes of rows, clean or noised.
#pragma once

#include <optional>

#include "scorefield/learn/denoising.h"

namespace scorefield {

/// The loss of a row is -w(sigma) log p(its class | x; sigma), nats, in double; on average least where p is the class
/// posterior at every noise level.
class ClassificationTask final : public NoisedTask {
 public:
  /// The rows carry their classes, from 0 to classes - 1, none left out. outputs: of the network, the logits first;
  /// noise_label: whether it has one.
  ClassificationTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch,
                     WorkerNetworks networks, std::size_t classes, std::size_t outputs, bool noise_label);

 protected:
  LossSum losses(const NoisedBatch& batch, double share, int worker, std::span<float> gradient) override;

 private:
  WorkerNetworks networks_;
  std::size_t classes_;
  std::size_t outputs_;
  bool noise_label_;
};

/// The noise law of clean rows: every level is 0.
std::shared_ptr<const NoiseLaw> no_noise();

}  // namespace scorefield

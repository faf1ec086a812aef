// The loss of a denoiser, w(sigma) |D - x_0|^2, and the frame that other losses of noised rows share.
#pragma once

#include <optional>

#include "scorefield/learn/noised_rows.h"
#include "scorefield/learn/trainer.h"

namespace scorefield {

/// A loss of noised rows. Derived classes give a row's loss and its gradient.
class NoisedTask : public Task {
 public:
  /// micro_batch: rows of one evaluation of the network.
  NoisedTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch);

  std::size_t batch() const override { return training_.loader().options().batch; }
  std::size_t micro_batches() const override;
  LossSum add_gradient(std::uint64_t step, std::size_t micro_batch, int worker, std::span<float> gradient) override;
  std::size_t held_out_batches() const override;
  LossSum held_out_loss(std::size_t micro_batch, int worker) override;
  std::string describe(std::uint64_t step) const override { return training_.describe(step); }

 protected:
  /// The losses of these rows; adds the gradient of `share` times their sum to `gradient`, which is empty where only
  /// the losses are wanted.
  virtual LossSum losses(const NoisedBatch& batch, double share, int worker, std::span<float> gradient) = 0;

 private:
  NoisedRows training_;
  std::optional<NoisedRows> held_out_;
  std::size_t micro_batch_;
};

/// Losses w |D - target|^2/d of each row; adds the gradient of `share` times their sum to `gradient`, unless that is
/// empty. target: [rows, d], about the centre.
LossSum distance_losses(const NoisedBatch& batch, const Rows& target, double share, net::Network& network,
                        std::span<float> gradient);

/// The loss of a row is w(sigma) |D - x_0|^2/d: in expectation over rows and noise, and up to a constant, that of the
/// distance to E[x_0 | x] (Vincent 2011).
class DenoisingTask final : public NoisedTask {
 public:
  DenoisingTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch,
                WorkerNetworks networks);

 protected:
  LossSum losses(const NoisedBatch& batch, double share, int worker, std::span<float> gradient) override;

 private:
  WorkerNetworks networks_;
};

}  // namespace scorefield

// Training an autoencoder: the ELBO by reparametrisation (Kingma and Welling 2014), with all levels and the variances
// of their likelihoods learnt at once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scorefield/learn/autoencoder.h"
#include "scorefield/learn/batch_loader.h"
#include "scorefield/learn/hierarchy.h"
#include "scorefield/learn/trainer.h"

namespace scorefield {

/// The loss of a row is -ElboTerms::weighted(kl_weight) of one draw, in bits a value (for 8-bit data bits/dim of the
/// values themselves); with kl_weight 1 an unbiased estimate of a bound.
class AutoencoderTask final : public Task {
 public:
  /// latents: of each level. networks: encoder and decoder by level, of `weights` (with_variances()), which must
  /// outlive it. micro_batch: rows of one evaluation. Throws Error for a weight below 0.
  AutoencoderTask(BatchLoader training, std::optional<BatchLoader> held_out, AutoencoderUnits units,
                  std::vector<std::size_t> latents, double kl_weight, std::size_t micro_batch, const Weights& weights,
                  std::vector<WorkerNetworks> networks);

  std::size_t batch() const override { return training_.options().batch; }
  std::size_t micro_batches() const override;
  LossSum add_gradient(std::uint64_t step, std::size_t micro_batch, int worker, std::span<float> gradient) override;
  std::size_t held_out_batches() const override;
  LossSum held_out_loss(std::size_t micro_batch, int worker) override;
  std::string describe(std::uint64_t step) const override;

 private:
  LossSum losses(const BatchLoader& loader, std::uint64_t step, std::size_t first, std::size_t count,
                 const RandomStream& stream, int worker, std::span<float> gradient);
  std::size_t inputs(std::size_t level, bool decoder) const;
  std::size_t outputs(std::size_t level, bool decoder) const;

  BatchLoader training_;
  std::optional<BatchLoader> held_out_;
  AutoencoderUnits units_;
  std::vector<std::size_t> latents_;
  double kl_weight_;
  std::size_t micro_batch_;
  const Weights& weights_;
  std::vector<WorkerNetworks> networks_;
};

}  // namespace scorefield

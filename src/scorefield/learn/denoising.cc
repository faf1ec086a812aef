#include "scorefield/learn/denoising.h"

#include <algorithm>
#include <utility>

#include "scorefield/base/error.h"

namespace scorefield {

NoisedTask::NoisedTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch)
    : training_(std::move(training)), held_out_(std::move(held_out)), micro_batch_(micro_batch) {
  ensure(micro_batch_ > 0, "a micro-batch has rows");
}

std::size_t NoisedTask::micro_batches() const {
  return (batch() + micro_batch_ - 1) / micro_batch_;
}

LossSum NoisedTask::add_gradient(std::uint64_t step, std::size_t micro_batch, int worker, std::span<float> gradient) {
  const std::size_t first = micro_batch * micro_batch_;
  const NoisedBatch rows = training_.make(step, first, std::min(micro_batch_, batch() - first));
  return losses(rows, 1 / static_cast<double>(batch()), worker, gradient);
}

std::size_t NoisedTask::held_out_batches() const {
  return held_out_ ? (held_out_->loader().options().batch + micro_batch_ - 1) / micro_batch_ : 0;
}

LossSum NoisedTask::held_out_loss(std::size_t micro_batch, int worker) {
  const std::size_t first = micro_batch * micro_batch_;
  const std::size_t all = held_out_->loader().options().batch;
  return losses(held_out_->make(0, first, std::min(micro_batch_, all - first)), 1, worker, {});
}

LossSum distance_losses(const NoisedBatch& batch, const Rows& target, double share, net::Network& network,
                        std::span<float> gradient) {
  const std::size_t d = batch.clean.cols();
  const auto dimension = static_cast<double>(d);
  std::vector<float> output(batch.rows() * d);
  if (gradient.empty()) {
    network.evaluate(batch.for_network(), output.data());
  } else {
    network.forward(batch.for_network(), output.data());
  }
  LossSum sum;
  std::vector<double> denoised(d);
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    float* const row = output.data() + i * d;
    batch.denoised(i, row, denoised);
    double squares = 0;
    const double slope = share * 2 * batch.weight[i] * batch.at[i].out / dimension;  // of the loss in F, over the error
    for (std::size_t k = 0; k < d; ++k) {
      const double error = denoised[k] - target(i, k);
      squares += error * error;
      row[k] = static_cast<float>(slope * error);
    }
    sum.add(batch.weight[i] * squares / dimension);
  }
  if (!gradient.empty()) network.pull_back(output.data(), gradient.data(), nullptr);
  return sum;
}

DenoisingTask::DenoisingTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch,
                             WorkerNetworks networks)
    : NoisedTask(std::move(training), std::move(held_out), micro_batch), networks_(std::move(networks)) {}

LossSum DenoisingTask::losses(const NoisedBatch& batch, double share, int worker, std::span<float> gradient) {
  return distance_losses(batch, batch.clean, share, networks_.of(worker), gradient);
}

}  // namespace scorefield

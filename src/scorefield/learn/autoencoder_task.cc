#include "scorefield/learn/autoencoder_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

/// Rows of float32 for a network.
std::vector<float> floats(const Rows& rows) {
  return {rows.values().begin(), rows.values().end()};
}

Rows doubles(std::span<const float> values, std::size_t rows) {
  Rows made(rows, values.size() / rows);
  std::ranges::copy(values, made.data());
  return made;
}

std::size_t parts(std::size_t rows, std::size_t part) {
  return (rows + part - 1) / part;
}

}  // namespace

AutoencoderTask::AutoencoderTask(BatchLoader training, std::optional<BatchLoader> held_out, AutoencoderUnits units,
                                 std::vector<std::size_t> latents, double kl_weight, std::size_t micro_batch,
                                 const Weights& weights, std::vector<WorkerNetworks> networks)
    : training_(std::move(training)),
      held_out_(std::move(held_out)),
      units_(std::move(units)),
      latents_(std::move(latents)),
      kl_weight_(kl_weight),
      micro_batch_(micro_batch),
      weights_(weights),
      networks_(std::move(networks)) {
  ensure(micro_batch_ > 0 && !latents_.empty() && networks_.size() == 2 * latents_.size(), "networks in pairs");
  if (!(kl_weight >= 0) || !std::isfinite(kl_weight)) {
    throw Error(fmt::format("the weight of the divergence is a number from 0 on, got {}", kl_weight));
  }
}

std::size_t AutoencoderTask::inputs(std::size_t level, bool decoder) const {
  if (decoder) return latents_[level];
  return level == 0 ? units_.centre.size() : latents_[level - 1];
}

std::size_t AutoencoderTask::outputs(std::size_t level, bool decoder) const {
  return decoder ? inputs(level, false) : 2 * latents_[level];
}

std::size_t AutoencoderTask::micro_batches() const {
  return parts(batch(), micro_batch_);
}

std::size_t AutoencoderTask::held_out_batches() const {
  return held_out_ ? parts(held_out_->options().batch, micro_batch_) : 0;
}

std::string AutoencoderTask::describe(std::uint64_t /*step*/) const {
  std::string text = "log variance of the likelihood";
  for (const double v : log_variances(weights_, weights_.values())) text += fmt::format(" {:.3g}", v);
  return text;
}

LossSum AutoencoderTask::add_gradient(std::uint64_t step, std::size_t micro_batch, int worker,
                                      std::span<float> gradient) {
  const std::size_t first = micro_batch * micro_batch_;
  return losses(training_, step, first, std::min(micro_batch_, batch() - first),
                RandomStream(training_.options().seed, Purpose::kTrainingNoise, step), worker, gradient);
}

LossSum AutoencoderTask::held_out_loss(std::size_t micro_batch, int worker) {
  const std::size_t first = micro_batch * micro_batch_;
  return losses(*held_out_, 0, first, std::min(micro_batch_, held_out_->options().batch - first),
                RandomStream(held_out_->options().seed, Purpose::kLatentNoise), worker, {});
}

LossSum AutoencoderTask::losses(const BatchLoader& loader, std::uint64_t step, std::size_t first, std::size_t count,
                                const RandomStream& stream, int worker, std::span<float> gradient) {
  const std::size_t d = units_.centre.size();
  const std::size_t levels = latents_.size();
  Rows x(count, d);
  std::vector<std::int32_t> classes(count);
  loader.load(step, first, x.view(), classes);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < d; ++k) x(i, k) = (x(i, k) - units_.centre[k]) / units_.scale;
  }
  const ChainLaw law{log_variances(weights_, weights_.values()), units_.rounding_width / units_.scale};

  const auto network = [&](std::size_t level, bool decoder) -> net::Network& {
    return networks_[2 * level + (decoder ? 1 : 0)].of(worker);
  };
  // What a network was given has to live until its pull_back().
  std::vector<std::vector<float>> given(networks_.size());
  const ApplyNetwork apply = [&](std::size_t level, bool decoder, const Rows& in) {
    std::vector<float>& rows = given[2 * level + (decoder ? 1 : 0)];
    rows = floats(in);
    std::vector<float> out(count * outputs(level, decoder));
    const net::Batch batch{count, rows.data(), nullptr, nullptr};
    if (gradient.empty()) {
      network(level, decoder).evaluate(batch, out.data());
    } else {
      network(level, decoder).forward(batch, out.data());
    }
    return doubles(out, count);
  };
  // A row's noise lies together: of level 1, then of the levels above.
  std::size_t before = 0;
  const std::size_t in_row = std::accumulate(latents_.begin(), latents_.end(), std::size_t{0});
  const FillNoise noise = [&](std::size_t /*level*/, Rows& out) {
    for (std::size_t i = 0; i < count; ++i) stream.normals(out[i], (first + i) * in_row + before);
    before += out.cols();
  };
  const LatentChain chain = draw_chain(std::move(x), levels, apply, noise);

  const double bits = 1 / (static_cast<double>(d) * std::numbers::ln2);
  LossSum sum;
  for (std::size_t i = 0; i < count; ++i) {
    sum.add(-bits * elbo_terms(chain, law, i).weighted(kl_weight_) - units_.log_unit() / std::numbers::ln2);
  }
  if (gradient.empty()) return sum;

  const double share = -bits / static_cast<double>(batch());
  const PullBackNetwork pull_back = [&](std::size_t level, bool decoder, const Rows& cotangent, bool wants_input) {
    const std::size_t number = 2 * level + (decoder ? 1 : 0);
    const auto offset = weights_.of_network(number) - weights_.values().data();
    const std::vector<float> rows = floats(cotangent);
    std::vector<float> by_input(wants_input ? count * inputs(level, decoder) : 0);
    network(level, decoder).pull_back(rows.data(), gradient.data() + offset, wants_input ? by_input.data() : nullptr);
    return wants_input ? doubles(by_input, count) : Rows();
  };
  const std::vector<double> by_log_variance = pull_back_elbo(chain, law, kl_weight_, share, pull_back);
  for (std::size_t l = 0; l < levels; ++l) {
    gradient[weights_.tensors().back().offset + l] += static_cast<float>(kVarianceGain * by_log_variance[l]);
  }
  return sum;
}

}  // namespace scorefield

#include "scorefield/learn/hierarchy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

constexpr const char* kVariance = "log_variance_tenth";

net::Architecture vector_network(const net::Architecture& likeness, std::size_t inputs, std::size_t outputs) {
  net::Architecture made = likeness;
  if (likeness.kind != "mlp") {  // above convolutions, next to which they are small
    made.width = 128;
    made.layers = 2;
  }
  made.kind = "mlp";
  made.input = {inputs, 1, 1};
  made.output = {outputs, 1, 1};
  return made;
}

/// Last layers of multilayer perceptrons start at 0, where a decoder says nothing of its latents and its encoder
/// learns nothing; here they start as other layers do.
std::vector<net::Tensor> started(std::vector<net::Tensor> tensors) {
  for (net::Tensor& tensor : tensors) {
    if (tensor.decays && tensor.deviation == 0 && tensor.value == 0 && tensor.shape.size() == 2) {
      tensor.deviation = static_cast<float>(1 / std::sqrt(static_cast<double>(tensor.shape[1])));
    }
  }
  return tensors;
}

}  // namespace

std::vector<LevelArchitecture> hierarchy(const net::Architecture& likeness, const std::vector<std::size_t>& shape,
                                         const std::vector<std::size_t>& latents) {
  if (latents.empty() || std::ranges::count(latents, std::size_t{0}) > 0) {
    throw Error("an autoencoder has at least one level, each of at least one latent");
  }
  std::vector<LevelArchitecture> levels;
  std::size_t below = 1;
  for (const std::size_t n : shape) below *= n;
  for (const std::size_t m : latents) {
    net::Architecture common = likeness;
    common.noise_label = false;
    common.classes = 0;
    LevelArchitecture level{vector_network(common, below, 2 * m), vector_network(common, m, below)};
    if (levels.empty() && common.kind == "encoder") {
      if (shape.size() != 3)
        throw Error("a convolutional autoencoder is for images; vectors take multilayer perceptrons");
      const net::Shape image{shape[0], shape[1], shape[2]};
      level = {common, common};
      level.encoder.input = level.decoder.output = image;
      level.encoder.output = {2 * m, 1, 1};
      level.decoder.input = {m, 1, 1};
      level.decoder.kind = "decoder";
    }
    levels.push_back(std::move(level));
    below = m;
  }
  return levels;
}

std::vector<NetworkTensors> with_variances(std::vector<NetworkTensors> networks) {
  net::Tensor tensor;
  tensor.name = kVariance;
  tensor.shape = {networks.size() / 2};
  tensor.size = networks.size() / 2;
  tensor.decays = false;
  networks.push_back({"likelihood.", {tensor}});
  return networks;
}

std::vector<NetworkTensors> autoencoder_tensors(const std::vector<LevelArchitecture>& levels) {
  std::vector<NetworkTensors> networks;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    networks.push_back({fmt::format("encoder.{}.", l + 1), started(network_library().layout(levels[l].encoder))});
    networks.push_back({fmt::format("decoder.{}.", l + 1), started(network_library().layout(levels[l].decoder))});
  }
  return with_variances(std::move(networks));
}

std::vector<WorkerNetworks> worker_networks(const std::vector<LevelArchitecture>& levels, const Weights& weights,
                                            net::Arithmetic arithmetic, int workers) {
  std::vector<WorkerNetworks> networks;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    networks.emplace_back(levels[l].encoder, weights.of_network(2 * l), arithmetic, workers);
    networks.emplace_back(levels[l].decoder, weights.of_network(2 * l + 1), arithmetic, workers);
  }
  return networks;
}

std::vector<double> log_variances(const Weights& weights, std::span<const float> values) {
  const net::Tensor& tensor = weights.tensors().back();
  std::vector<double> made;
  for (const float value : values.subspan(tensor.offset, tensor.size)) {
    made.push_back(kVarianceGain * static_cast<double>(value));
  }
  return made;
}

Autoencoder autoencoder_of(const std::vector<LevelArchitecture>& levels, const Weights& weights,
                           std::span<const float> values, const AutoencoderUnits& units) {
  Autoencoder made;
  made.units = units;
  const std::vector<double> log_variance = log_variances(weights, values);
  const auto network = [&](const net::Architecture& architecture, std::size_t number) {
    const auto first = weights.of_network(number) - weights.values().data();
    const auto next = weights.of_network(number + 1) - weights.values().data();
    return SavedNetwork{architecture, {values.begin() + first, values.begin() + next}};
  };
  for (std::size_t l = 0; l < levels.size(); ++l) {
    made.levels.push_back({network(levels[l].encoder, 2 * l), network(levels[l].decoder, 2 * l + 1), log_variance[l]});
  }
  return made;
}

}  // namespace scorefield

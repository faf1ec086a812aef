#include "scorefield/learn/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "scorefield/base/random.h"

namespace scorefield {
namespace {

constexpr std::size_t kDrawnAtOnce = 4096;

}  // namespace

Weights::Weights(const std::vector<NetworkTensors>& networks, std::uint64_t seed, const Context& context) {
  std::size_t size = 0;
  for (const NetworkTensors& network : networks) {
    first_.push_back(size);
    for (net::Tensor tensor : network.tensors) {
      tensor.name = network.prefix + tensor.name;
      tensor.offset = size;
      size += tensor.size;
      tensors_.push_back(std::move(tensor));
    }
  }
  context.check_memory(size, sizeof(float), "the weights");
  values_.resize(size);
  std::vector<double> drawn(kDrawnAtOnce);
  for (std::size_t k = 0; k < tensors_.size(); ++k) {
    const net::Tensor& tensor = tensors_[k];
    const std::span<float> values = std::span(values_).subspan(tensor.offset, tensor.size);
    std::ranges::fill(values, tensor.value);
    if (!(tensor.deviation > 0)) continue;
    const RandomStream stream(seed, Purpose::kInitialWeights, k);
    for (std::size_t first = 0; first < values.size(); first += drawn.size()) {
      const std::span<float> block = values.subspan(first, std::min(drawn.size(), values.size() - first));
      stream.normals(std::span(drawn).first(block.size()), first);
      for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<float>(tensor.deviation * drawn[i]);
    }
  }
}

std::string Weights::layout_text() const {
  std::string text;
  for (const net::Tensor& tensor : tensors_)
    text += fmt::format("{} [{}]\n", tensor.name, fmt::join(tensor.shape, ", "));
  return text;
}

}  // namespace scorefield

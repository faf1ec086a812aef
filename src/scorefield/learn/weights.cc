#include "scorefield/learn/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scorefield/base/random.h"

namespace scorefield {

Weights::Weights(const std::vector<NetworkTensors>& networks, std::uint64_t seed) {
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
  values_.resize(size);
  for (std::size_t k = 0; k < tensors_.size(); ++k) {
    const net::Tensor& tensor = tensors_[k];
    std::vector<double> drawn(tensor.deviation > 0 ? tensor.size : 0);
    RandomStream(seed, Purpose::kInitialWeights, k).normals(drawn);
    for (std::size_t i = 0; i < tensor.size; ++i) {
      values_[tensor.offset + i] =
          drawn.empty() ? tensor.value : static_cast<float>(static_cast<double>(tensor.deviation) * drawn[i]);
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

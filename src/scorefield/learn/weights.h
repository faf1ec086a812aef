// The weights of what is trained: all tensors of one or several networks in one flat vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/learn/network.h"

namespace scorefield {

/// A network's tensors, whose names get this prefix ("encoder."; "" where there is one network).
struct NetworkTensors {
  std::string prefix;
  std::vector<net::Tensor> tensors;
};

class Weights {
 public:
  /// Lays the networks out one after the other; each value starts as its tensor says, a function of `seed` and the
  /// tensor's place alone. Throws Error where they are over the memory limit.
  Weights(const std::vector<NetworkTensors>& networks, std::uint64_t seed, const Context& context = {});
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  /// With their prefixes, and offsets into all values.
  const std::vector<net::Tensor>& tensors() const { return tensors_; }
  std::size_t size() const { return values_.size(); }
  /// Never moves: networks read it at every call.
  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }
  /// The weights of one of the networks, for net::Library::make().
  const float* of_network(std::size_t network) const { return values_.data() + first_[network]; }
  /// What names these tensors and their shapes: weights fit where it is equal.
  std::string layout_text() const;

 private:
  std::vector<net::Tensor> tensors_;
  std::vector<std::size_t> first_;  // of each network
  std::vector<float> values_;
};

}  // namespace scorefield

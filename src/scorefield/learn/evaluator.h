// A network asked for any number of rows, from any thread, with the same bits for each row whatever else is asked.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/learn/network.h"

namespace scorefield {

/// A network's row changes by a rounding with the size of the batch, and may with its place in it. So rows go in chunks
/// of one fixed size, padded, in which neither the place nor the neighbours of a row were seen to matter. Thread-safe.
class Evaluator {
 public:
  using Maker = std::function<std::unique_ptr<net::Network>()>;

  /// make: a further network of the same weights, each for one thread. label: a noise label that the network can be
  /// tried with (ignored without a noise label).
  Evaluator(Maker make, std::size_t input_size, std::size_t output_size, bool noise_label, double label);

  std::size_t input_size() const { return input_size_; }
  std::size_t output_size() const { return output_size_; }
  /// Rows a chunk: 8, or 1 where a network's rows do not bear company.
  std::size_t slots() const { return slots_; }

  /// out: [rows, output size]. Chunks run on the context's threads.
  void evaluate(const net::Batch& batch, float* out, const Context& context) const;

  /// Writes the cotangent of a row's output, both [output size].
  using Cotangent = std::function<void(std::size_t row, const float* out, float* cotangent)>;
  /// d<cotangent, F>/dx for every row. x_gradient: [rows, input size]; out as above, or null.
  void pull_back(const net::Batch& batch, const Cotangent& cotangent, float* out, float* x_gradient,
                 const Context& context) const;

 private:
  class Lease;
  struct Chunk;
  bool rows_bear_company(double label) const;
  void for_chunks(const net::Batch& batch, const Context& context,
                  const std::function<void(net::Network&, const Chunk&)>& work) const;

  Maker make_;
  std::size_t input_size_;
  std::size_t output_size_;
  bool noise_label_;
  std::size_t slots_ = 8;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<net::Network>> idle_;
};

/// Of a network by the plugin, in float32; it keeps the weights. Throws Error as network_library() and its layout() do.
std::shared_ptr<const Evaluator> make_evaluator(const net::Architecture& architecture, std::vector<float> weights,
                                                double label);

}  // namespace scorefield

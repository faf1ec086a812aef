// A Function with its weights, behind the library's interface.
#pragma once

#include <ATen/ATen.h>

#include <memory>

#include "scorefield/torch/function.h"

namespace scorefield::net {

class BoundNetwork final : public Network {
 public:
  /// weights: the flat weights, which must outlive the network.
  BoundNetwork(const Architecture& architecture, const float* weights, Arithmetic arithmetic);

  void evaluate(const Batch& batch, float* out) override;
  void forward(const Batch& batch, float* out) override;
  void pull_back(const float* cotangent, float* gradient, float* x_gradient) override;
  void forward_forms(const Batch& batch, const float* probes, std::size_t count, float* out, float* forms) override;
  void pull_back_forms(const float* cotangent, const float* form_cotangent, float* gradient) override;

 private:
  Inputs inputs_of(const Batch& batch) const;
  /// Adds to the flat gradient; a tensor that the result does not depend on has an undefined one.
  void add_gradients(const std::vector<at::Tensor>& gradients, float* gradient) const;

  Architecture architecture_;
  Parameters parameters_;
  std::unique_ptr<Function> function_;
  at::Tensor x_;      // of the last forward()
  at::Tensor out_;    // [B, output size]
  at::Tensor forms_;  // [B, count]
};

}  // namespace scorefield::net

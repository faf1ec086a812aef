// What each kind of network is to the plugin: a function of tensors. One maker a kind.
#pragma once

#include <ATen/ATen.h>

#include <memory>

#include "scorefield/torch/layers.h"

namespace scorefield::net {

struct Inputs {
  at::Tensor x;        // [B, C, H, W], or [B, C] where height and width are 1
  at::Tensor label;    // [B]; undefined without a noise label
  at::Tensor classes;  // [B] int64, "no class" as the last number; undefined without classes
};

class Function {
 public:
  virtual ~Function() = default;
  /// -> [B, ...] with as many values a row as the architecture's output.
  virtual at::Tensor operator()(const Inputs& inputs) const = 0;
};

/// Each throws Error for hyperparameters that do not go together. Without weights in `parameters`, only their list is
/// made.
std::unique_ptr<Function> make_mlp(Parameters& parameters, const Architecture& architecture);
std::unique_ptr<Function> make_unet(Parameters& parameters, const Architecture& architecture);
std::unique_ptr<Function> make_dit(Parameters& parameters, const Architecture& architecture);
/// "encoder" and "classifier".
std::unique_ptr<Function> make_encoder(Parameters& parameters, const Architecture& architecture);
std::unique_ptr<Function> make_decoder(Parameters& parameters, const Architecture& architecture);

/// By Architecture::kind. Throws Error for an unknown one.
std::unique_ptr<Function> make_function(Parameters& parameters, const Architecture& architecture);

}  // namespace scorefield::net

// What image networks are built of: residual blocks and self-attention.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <string>

#include "scorefield/torch/layers.h"

namespace scorefield::net {

/// x + convolution(silu(norm(convolution(silu(norm(x)))) (1 + scale) + shift)), with scale and shift linear in what
/// conditions the network (Dhariwal and Nichol 2021). x passes a 1x1 convolution where channels change. The last
/// convolution starts at zero, so that a block starts as its shortcut.
class ResidualBlock {
 public:
  /// condition: width of what conditions the network; 0 for none.
  ResidualBlock(Parameters& parameters, const std::string& name, std::size_t inputs, std::size_t outputs,
                std::size_t groups, std::size_t condition);
  /// x: [B, inputs, H, W], condition: [B, condition] -> [B, outputs, H, W].
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& condition) const;

 private:
  GroupNorm norm_in_;
  Convolution in_;
  std::optional<Linear> scale_shift_;
  GroupNorm norm_out_;
  Convolution out_;
  std::optional<Convolution> shortcut_;
};

/// softmax(q k^T / sqrt(n)) v a head of n = width / heads numbers (Vaswani et al. 2017). qkv: [B, tokens, 3 width],
/// queries before keys before values -> [B, tokens, width].
at::Tensor attention(const at::Tensor& qkv, std::size_t heads);

/// x + linear(attention(linear(norm(x)))) over the positions of an image; starts as x.
class ImageAttention {
 public:
  ImageAttention(Parameters& parameters, const std::string& name, std::size_t channels, std::size_t groups,
                 std::size_t heads);
  /// x: [B, C, H, W].
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  GroupNorm norm_;
  Linear qkv_;
  Linear out_;
  std::size_t heads_;
};

}  // namespace scorefield::net

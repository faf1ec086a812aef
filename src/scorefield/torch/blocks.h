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

/// v softmax(k^T q / sqrt(size)), the softmax over the columns of k (Vaswani et al. 2017). q, k, v: a head of a row
/// each, [n, size, tokens] -> [n, size, tokens].
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

/// x + convolution(attention(convolution(norm(x)))) over the positions of an image, 1x1 convolutions; starts as x.
class ImageAttention {
 public:
  ImageAttention(Parameters& parameters, const std::string& name, std::size_t channels, std::size_t groups,
                 std::size_t heads);
  /// x: [B, C, H, W].
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  GroupNorm norm_;
  Convolution qkv_;  // channels of queries, of keys, of values, by head in each
  Convolution out_;
  std::int64_t heads_;
};

}  // namespace scorefield::net

// The layers that networks are made of, on LibTorch tensors whose memory is the flat weights.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "scorefield/learn/network.h"

namespace scorefield::net {

/// Hands out the tensors of a network in order: views of the flat weights, or, without weights, only their list.
class Parameters {
 public:
  /// weights: null to learn the layout alone.
  Parameters(const float* weights, Arithmetic arithmetic) : weights_(weights), arithmetic_(arithmetic) {}

  Arithmetic arithmetic() const { return arithmetic_; }
  /// A matrix or kernel: starts as N(0, deviation^2), or 0; decays.
  at::Tensor weight(const std::string& name, const std::vector<std::size_t>& shape, double deviation);
  /// A bias, gain or embedding: starts as a constant; does not decay.
  at::Tensor constant(const std::string& name, const std::vector<std::size_t>& shape, double value);
  /// An embedding: starts as N(0, deviation^2); does not decay.
  at::Tensor embedding(const std::string& name, const std::vector<std::size_t>& shape, double deviation);

  const std::vector<Tensor>& layout() const { return layout_; }
  /// Values in all tensors so far.
  std::size_t count() const { return layout_.empty() ? 0 : layout_.back().offset + layout_.back().size; }
  const std::vector<at::Tensor>& tensors() const { return tensors_; }

 private:
  at::Tensor add(Tensor tensor);

  const float* weights_;
  Arithmetic arithmetic_;
  std::vector<Tensor> layout_;
  std::vector<at::Tensor> tensors_;
};

/// y = x W^T + b on the last dimension. It starts at gain/sqrt(inputs): gain 1 keeps the variance, 0 starts at zero.
class Linear {
 public:
  Linear(Parameters& parameters, const std::string& name, std::size_t inputs, std::size_t outputs, double gain = 1);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;  // [outputs, inputs]
  at::Tensor bias_;    // [outputs]
  Arithmetic arithmetic_;
};

/// A convolution of an odd kernel that keeps height and width (stride 1) or halves them (stride 2). x: [B, C, H, W].
class Convolution {
 public:
  Convolution(Parameters& parameters, const std::string& name, std::size_t inputs, std::size_t outputs,
              std::size_t kernel, double gain = 1, std::size_t stride = 1);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;  // [outputs, inputs, kernel, kernel]
  at::Tensor bias_;    // [outputs]
  std::int64_t stride_;
  std::int64_t padding_;
  Arithmetic arithmetic_;
};

/// Group normalisation (Wu and He 2018) with a gain and a bias a channel. x: [B, C, ...].
class GroupNorm {
 public:
  GroupNorm(Parameters& parameters, const std::string& name, std::size_t groups, std::size_t channels);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor gain_;
  at::Tensor bias_;
  std::int64_t groups_;
};

/// Fourier features of a number: cos and sin of label * f, f geometric from pi/4 to 8 pi. In log sigma = 4 label the
/// periods run from 32 nats to one. label: [B] -> [B, 2 frequencies].
at::Tensor fourier_features(const at::Tensor& label, std::size_t frequencies);

/// What conditions a network: Fourier features of the noise label and a class embedding, through two layers.
/// -> [B, width]; undefined where there is neither.
class Conditioning {
 public:
  Conditioning(Parameters& parameters, const std::string& name, const Architecture& architecture, std::size_t width);
  at::Tensor operator()(const at::Tensor& label, const at::Tensor& classes) const;

 private:
  std::size_t frequencies_;
  std::vector<Linear> layers_;
  at::Tensor embedding_;  // [classes + 1, width]
};

}  // namespace scorefield::net

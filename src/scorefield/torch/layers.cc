#include "scorefield/torch/layers.h"

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/torch/hyperparameters.h"

namespace scorefield::net {
namespace {

at::ScalarType type_of(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kBfloat16 ? at::kBFloat16 : at::kFloat;
}

std::vector<std::int64_t> sizes(const std::vector<std::size_t>& shape) {
  return {shape.begin(), shape.end()};
}

}  // namespace

at::Tensor Parameters::add(Tensor tensor) {
  tensor.offset = count();
  tensor.size = 1;
  for (const std::size_t n : tensor.shape) {
    if (n > kMostParameters / tensor.size) {
      throw Error(tensor.name + ": a tensor of more than " + std::to_string(kMostParameters) + " parameters");
    }
    tensor.size *= n;
  }
  layout_.push_back(tensor);
  if (weights_ == nullptr) return {};
  // LibTorch has no tensor of constants; nothing writes through this one.
  auto* const first = const_cast<float*>(weights_) + tensor.offset;  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  tensors_.push_back(at::from_blob(first, sizes(tensor.shape), at::kFloat).set_requires_grad(true));
  return tensors_.back();
}

at::Tensor Parameters::weight(const std::string& name, const std::vector<std::size_t>& shape, double deviation) {
  return add({name, shape, 0, 0, static_cast<float>(deviation), 0, true});
}

at::Tensor Parameters::constant(const std::string& name, const std::vector<std::size_t>& shape, double value) {
  return add({name, shape, 0, 0, 0, static_cast<float>(value), false});
}

at::Tensor Parameters::embedding(const std::string& name, const std::vector<std::size_t>& shape, double deviation) {
  return add({name, shape, 0, 0, static_cast<float>(deviation), 0, false});
}

Linear::Linear(Parameters& parameters, const std::string& name, std::size_t inputs, std::size_t outputs, double gain)
    : weight_(parameters.weight(name + ".weight", {outputs, inputs}, gain / std::sqrt(static_cast<double>(inputs)))),
      bias_(parameters.constant(name + ".bias", {outputs}, 0)),
      arithmetic_(parameters.arithmetic()) {}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  // Evaluated, every row is a product of its own: in one product of all tokens a row's bits depend on its place.
  if (x.dim() == 3 && !at::GradMode::is_enabled()) {
    const at::Tensor weight = weight_.to(type_of(arithmetic_)).t().expand({x.size(0), -1, -1});
    return at::bmm(x.to(weight.scalar_type()), weight).to(at::kFloat) + bias_;
  }
  if (arithmetic_ == Arithmetic::kFloat32) return at::linear(x, weight_, bias_);
  return at::linear(x.to(at::kBFloat16), weight_.to(at::kBFloat16)).to(at::kFloat) + bias_;
}

Convolution::Convolution(Parameters& parameters, const std::string& name, std::size_t inputs, std::size_t outputs,
                         std::size_t kernel, double gain, std::size_t stride)
    : weight_(parameters.weight(name + ".weight", {outputs, inputs, kernel, kernel},
                                gain / std::sqrt(static_cast<double>(inputs * kernel * kernel)))),
      bias_(parameters.constant(name + ".bias", {outputs}, 0)),
      stride_(static_cast<std::int64_t>(stride)),
      padding_(static_cast<std::int64_t>(kernel / 2)),
      arithmetic_(parameters.arithmetic()) {}

at::Tensor Convolution::operator()(const at::Tensor& x) const {
  const at::ScalarType type = type_of(arithmetic_);
  return at::conv2d(x.to(type), weight_.to(type), bias_.to(type), stride_, padding_).to(at::kFloat);
}

GroupNorm::GroupNorm(Parameters& parameters, const std::string& name, std::size_t groups, std::size_t channels)
    : gain_(parameters.constant(name + ".gain", {channels}, 1)),
      bias_(parameters.constant(name + ".bias", {channels}, 0)),
      groups_(static_cast<std::int64_t>(groups)) {}

at::Tensor GroupNorm::operator()(const at::Tensor& x) const {
  return at::group_norm(x, groups_, gain_, bias_, 1e-5);
}

at::Tensor fourier_features(const at::Tensor& label, std::size_t frequencies) {
  const double steps = frequencies > 1 ? static_cast<double>(frequencies - 1) : 1;
  const at::Tensor exponent = at::arange(static_cast<std::int64_t>(frequencies), at::kFloat) / steps;
  const at::Tensor angle = label.unsqueeze(1) * (at::pow(32.0, exponent) * (M_PI / 4)).unsqueeze(0);
  return at::cat({angle.cos(), angle.sin()}, 1);
}

Conditioning::Conditioning(Parameters& parameters, const std::string& name, const Architecture& architecture,
                           std::size_t width)
    : frequencies_(architecture.frequencies) {
  if (architecture.noise_label) {
    layers_.emplace_back(parameters, name + ".noise.0", 2 * frequencies_, width, std::sqrt(2.0));
    layers_.emplace_back(parameters, name + ".noise.1", width, width);
  }
  if (architecture.classes > 0) {
    embedding_ = parameters.embedding(name + ".class", {architecture.classes + 1, width}, 1);
  }
}

at::Tensor Conditioning::operator()(const at::Tensor& label, const at::Tensor& classes) const {
  at::Tensor sum;
  if (!layers_.empty()) sum = layers_[1](at::silu(layers_[0](fourier_features(label, frequencies_))));
  if (embedding_.defined()) {
    const at::Tensor of_class = at::embedding(embedding_, classes);
    sum = sum.defined() ? sum + of_class : of_class;
  }
  return sum;
}

}  // namespace scorefield::net

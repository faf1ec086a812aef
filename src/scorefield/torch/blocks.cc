#include "scorefield/torch/blocks.h"

#include <cmath>

#include "scorefield/torch/batched_product.h"

namespace scorefield::net {
namespace {

/// Keeps the variance of what passed a SiLU: E[silu(n)^2] = 0.3557 for a normal n.
constexpr double kAfterSilu = 1.677;

}  // namespace

ResidualBlock::ResidualBlock(Parameters& parameters, const std::string& name, std::size_t inputs, std::size_t outputs,
                             std::size_t groups, std::size_t condition)
    : norm_in_(parameters, name + ".norm.0", groups, inputs),
      in_(parameters, name + ".convolution.0", inputs, outputs, 3, kAfterSilu),
      norm_out_(parameters, name + ".norm.1", groups, outputs),
      out_(parameters, name + ".convolution.1", outputs, outputs, 3, 0) {
  if (condition > 0) scale_shift_.emplace(parameters, name + ".scale_shift", condition, 2 * outputs);
  if (inputs != outputs) shortcut_.emplace(parameters, name + ".shortcut", inputs, outputs, 1);
}

at::Tensor ResidualBlock::operator()(const at::Tensor& x, const at::Tensor& condition) const {
  at::Tensor h = in_(at::silu(norm_in_(x)));
  h = norm_out_(h);
  if (scale_shift_) {
    const auto parts = (*scale_shift_)(condition).unsqueeze(-1).unsqueeze(-1).chunk(2, 1);
    h = at::addcmul(parts[1], h, parts[0] + 1);
  }
  h = out_(at::silu(h));
  return h + (shortcut_ ? (*shortcut_)(x) : x);
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const at::Tensor logits = batched_product(k, true, q * (1 / std::sqrt(static_cast<double>(q.size(1)))), false);
  return batched_product(v, false, at::softmax(logits, 1), false);
}

ImageAttention::ImageAttention(Parameters& parameters, const std::string& name, std::size_t channels,
                               std::size_t groups, std::size_t heads)
    : norm_(parameters, name + ".norm", groups, channels),
      qkv_(parameters, name + ".qkv", channels, 3 * channels, 1),
      out_(parameters, name + ".out", channels, channels, 1, 0),
      heads_(static_cast<std::int64_t>(heads)) {}

at::Tensor ImageAttention::operator()(const at::Tensor& x) const {
  const std::int64_t size = x.size(1) / heads_;
  const auto parts = qkv_(norm_(x)).chunk(3, 1);
  const auto heads_of = [&](const at::Tensor& part) { return part.reshape({x.size(0) * heads_, size, -1}); };
  return x + out_(attention(heads_of(parts[0]), heads_of(parts[1]), heads_of(parts[2])).reshape(x.sizes()));
}

}  // namespace scorefield::net

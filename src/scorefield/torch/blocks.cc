#include "scorefield/torch/blocks.h"

#include <cmath>

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
    h = h * (parts[0] + 1) + parts[1];
  }
  h = out_(at::silu(h));
  return h + (shortcut_ ? (*shortcut_)(x) : x);
}

at::Tensor attention(const at::Tensor& qkv, std::size_t heads) {
  const std::int64_t rows = qkv.size(0);
  const std::int64_t tokens = qkv.size(1);
  const std::int64_t width = qkv.size(2) / 3;
  const auto count = static_cast<std::int64_t>(heads);
  const std::int64_t size = width / count;
  // [3, B heads, tokens, size], so that each product is one of small matrices lying one after the other.
  const at::Tensor split = qkv.reshape({rows, tokens, 3, count, size}).permute({2, 0, 3, 1, 4}).contiguous();
  const auto part = [&](std::int64_t i) { return split.select(0, i).reshape({rows * count, tokens, size}); };
  const at::Tensor query = part(0) * (1 / std::sqrt(static_cast<double>(size)));
  const at::Tensor weights = at::softmax(at::bmm(query, part(1).transpose(1, 2)), -1);
  return at::bmm(weights, part(2))
      .reshape({rows, count, tokens, size})
      .permute({0, 2, 1, 3})
      .reshape({rows, tokens, width});
}

ImageAttention::ImageAttention(Parameters& parameters, const std::string& name, std::size_t channels,
                               std::size_t groups, std::size_t heads)
    : norm_(parameters, name + ".norm", groups, channels),
      qkv_(parameters, name + ".qkv", channels, 3 * channels),
      out_(parameters, name + ".out", channels, channels, 0),
      heads_(heads) {}

at::Tensor ImageAttention::operator()(const at::Tensor& x) const {
  const at::Tensor tokens = norm_(x).flatten(2).transpose(1, 2);
  return x + out_(attention(qkv_(tokens), heads_)).transpose(1, 2).reshape(x.sizes());
}

}  // namespace scorefield::net

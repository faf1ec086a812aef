// Kind "dit": a transformer over the patches of an image; what conditions it scales, shifts and gates every block
// (adaLN-Zero, Peebles and Xie 2023).
#include <cmath>
#include <memory>

#include "scorefield/base/error.h"
#include "scorefield/torch/blocks.h"
#include "scorefield/torch/function.h"
#include "scorefield/torch/hyperparameters.h"

namespace scorefield::net {
namespace {

/// Layer norm without weights over the last dimension of h [B, tokens, width], then h (1 + scale) + shift, with scale
/// and shift [B, 1, width].
at::Tensor modulated(const at::Tensor& h, const at::Tensor& scale, const at::Tensor& shift) {
  return at::layer_norm(h, {h.size(-1)}, {}, {}, 1e-6) * (scale + 1) + shift;
}

class TransformerBlock {
 public:
  TransformerBlock(Parameters& parameters, const std::string& name, std::size_t width, std::size_t heads,
                   std::size_t condition)
      : modulation_(parameters, name + ".modulation", condition, 6 * width, 0),
        qkv_(parameters, name + ".qkv", width, 3 * width),
        out_(parameters, name + ".out", width, width),
        in_mlp_(parameters, name + ".mlp.0", width, 4 * width),
        out_mlp_(parameters, name + ".mlp.1", 4 * width, width, std::sqrt(2.0)),
        heads_(static_cast<std::int64_t>(heads)) {}

  /// h: [B, tokens, width], condition: [B, condition].
  at::Tensor operator()(const at::Tensor& h, const at::Tensor& condition) const {
    const auto part = modulation_(condition).unsqueeze(1).chunk(6, 2);  // scale, shift, gate; twice
    const at::Tensor attended = h + part[2] * out_(attended_to(qkv_(modulated(h, part[0], part[1]))));
    return attended + part[5] * out_mlp_(at::silu(in_mlp_(modulated(attended, part[3], part[4]))));
  }

 private:
  /// qkv: [B, tokens, 3 width], queries before keys before values -> [B, tokens, width].
  at::Tensor attended_to(const at::Tensor& qkv) const {
    const std::int64_t rows = qkv.size(0);
    const std::int64_t tokens = qkv.size(1);
    const std::int64_t width = qkv.size(2) / 3;
    const at::Tensor parts = qkv.reshape({rows, tokens, 3, width}).permute({2, 0, 3, 1}).contiguous();
    const auto heads_of = [&](std::int64_t i) {
      return parts.select(0, i).reshape({rows * heads_, width / heads_, tokens});
    };
    return attention(heads_of(0), heads_of(1), heads_of(2)).reshape({rows, width, tokens}).transpose(1, 2);
  }

  Linear modulation_;
  Linear qkv_;
  Linear out_;
  Linear in_mlp_;
  Linear out_mlp_;
  std::int64_t heads_;
};

class Dit final : public Function {
 public:
  Dit(Parameters& parameters, const Architecture& architecture)
      : patch_(static_cast<std::int64_t>(architecture.patch)),
        height_(static_cast<std::int64_t>(architecture.input.height / architecture.patch)),
        conditioning_(parameters, "condition", architecture, architecture.width),
        in_(parameters, "in", architecture.input.channels * architecture.patch * architecture.patch,
            architecture.width),
        positions_(parameters.embedding(
            "positions",
            {architecture.input.height / architecture.patch * (architecture.input.width / architecture.patch),
             architecture.width},
            1)),
        modulation_(parameters, "out.modulation", architecture.width, 2 * architecture.width, 0),
        out_(parameters, "out.linear", architecture.width,
             architecture.output.channels * architecture.patch * architecture.patch, 0) {
    for (std::size_t i = 0; i < architecture.layers; ++i) {
      blocks_.emplace_back(parameters, "block." + std::to_string(i), architecture.width, architecture.heads,
                           architecture.width);
    }
  }

  at::Tensor operator()(const Inputs& inputs) const override {
    const at::Tensor condition = at::silu(conditioning_(inputs.label, inputs.classes));
    at::Tensor h = in_(at::pixel_unshuffle(inputs.x, patch_).flatten(2).transpose(1, 2)) + positions_;
    for (const TransformerBlock& block : blocks_) h = block(h, condition);
    const auto part = modulation_(condition).unsqueeze(1).chunk(2, 2);
    h = out_(modulated(h, part[0], part[1])).transpose(1, 2);
    return at::pixel_shuffle(h.reshape({h.size(0), h.size(1), height_, -1}), patch_);
  }

 private:
  std::int64_t patch_;
  std::int64_t height_;  // in patches
  Conditioning conditioning_;
  Linear in_;
  at::Tensor positions_;  // [tokens, width]
  Linear modulation_;
  Linear out_;
  std::vector<TransformerBlock> blocks_;
};

}  // namespace

std::unique_ptr<Function> make_dit(Parameters& parameters, const Architecture& architecture) {
  const Shape& in = architecture.input;
  const Shape& out = architecture.output;
  if (in.height != out.height || in.width != out.width) throw Error("dit: input and output have one height and width");
  if (!architecture.noise_label && architecture.classes == 0) {
    throw Error("dit: its blocks are scaled by a noise label or a class; it needs one of them");
  }
  need_positive(architecture, "width", architecture.width);
  need_count(architecture, "layers", architecture.layers);
  need_divisor(architecture, "heads", architecture.heads, "width", architecture.width);
  need_divisor(architecture, "patch", architecture.patch, "the image's height", in.height);
  need_divisor(architecture, "patch", architecture.patch, "the image's width", in.width);
  return std::make_unique<Dit>(parameters, architecture);
}

}  // namespace scorefield::net

// Kind "unet": images through residual blocks at falling and rising resolutions (Ho et al. 2020; blocks with scale and
// shift as Dhariwal and Nichol 2021, resampling without weights as Karras et al. 2024).
#include <cmath>
#include <memory>

#include "scorefield/base/error.h"
#include "scorefield/torch/blocks.h"
#include "scorefield/torch/function.h"
#include "scorefield/torch/hyperparameters.h"

namespace scorefield::net {
namespace {

/// A residual block and, at the low resolutions, attention.
struct Stage {
  ResidualBlock block;
  std::optional<ImageAttention> attention;

  at::Tensor operator()(const at::Tensor& x, const at::Tensor& condition) const {
    const at::Tensor h = block(x, condition);
    return attention ? (*attention)(h) : h;
  }
};

class UNet final : public Function {
 public:
  UNet(Parameters& parameters, const Architecture& architecture)
      : patch_(static_cast<std::int64_t>(architecture.patch)),
        conditioning_(parameters, "condition", architecture, 4 * architecture.width),
        in_(parameters, "in", architecture.input.channels * architecture.patch * architecture.patch,
            channels_at(architecture, 0), 3),
        norm_(parameters, "out.norm", architecture.groups, channels_at(architecture, 0)),
        out_(parameters, "out.convolution", channels_at(architecture, 0),
             architecture.output.channels * architecture.patch * architecture.patch, 3, 0) {
    const std::size_t condition = architecture.noise_label || architecture.classes > 0 ? 4 * architecture.width : 0;
    const auto stage = [&](const std::string& name, std::size_t level, std::size_t inputs) {
      const std::size_t channels = channels_at(architecture, level);
      Stage made{{parameters, name, inputs, channels, architecture.groups, condition}, {}};
      const std::size_t height = architecture.input.height / architecture.patch >> level;
      const std::size_t width = architecture.input.width / architecture.patch >> level;
      if (height <= architecture.attention_below && width <= architecture.attention_below) {
        need_divisor(architecture, "heads", architecture.heads,
                     "the channels at " + std::to_string(height) + "x" + std::to_string(width), channels);
        made.attention.emplace(parameters, name + ".attention", channels, architecture.groups, architecture.heads);
      }
      return made;
    };
    const std::size_t levels = architecture.multipliers.size();
    std::size_t channels = channels_at(architecture, 0);
    for (std::size_t level = 0; level < levels; ++level) {
      auto& stages = down_.emplace_back();
      for (std::size_t i = 0; i < architecture.blocks; ++i) {
        stages.push_back(stage("down." + std::to_string(level) + "." + std::to_string(i), level, channels));
        channels = channels_at(architecture, level);
      }
    }
    middle_.push_back(stage("middle", levels - 1, channels));
    for (std::size_t level = levels; level-- > 0;) {
      auto& stages = up_.emplace_back();
      const std::size_t skipped = channels_at(architecture, level);
      for (std::size_t i = 0; i < architecture.blocks; ++i) {
        stages.push_back(stage("up." + std::to_string(level) + "." + std::to_string(i), level, channels + skipped));
        channels = skipped;
      }
    }
  }

  at::Tensor operator()(const Inputs& inputs) const override {
    at::Tensor condition = conditioning_(inputs.label, inputs.classes);
    if (condition.defined()) condition = at::silu(condition);
    at::Tensor h = in_(patch_ == 1 ? inputs.x : at::pixel_unshuffle(inputs.x, patch_));
    std::vector<at::Tensor> skipped;
    for (std::size_t level = 0; level < down_.size(); ++level) {
      if (level > 0) h = at::avg_pool2d(h, 2);
      for (const Stage& stage : down_[level]) skipped.push_back(h = stage(h, condition));
    }
    h = middle_[0](h, condition);
    for (std::size_t i = 0; i < up_.size(); ++i) {
      if (i > 0) h = at::upsample_nearest2d(h, {2 * h.size(2), 2 * h.size(3)});
      for (const Stage& stage : up_[i]) {
        h = stage(at::cat({h, skipped.back()}, 1), condition);
        skipped.pop_back();
      }
    }
    h = out_(at::silu(norm_(h)));
    return patch_ == 1 ? h : at::pixel_shuffle(h, patch_);
  }

 private:
  std::int64_t patch_;
  Conditioning conditioning_;
  Convolution in_;
  GroupNorm norm_;
  Convolution out_;
  std::vector<std::vector<Stage>> down_;  // by level
  std::vector<Stage> middle_;             // one
  std::vector<std::vector<Stage>> up_;    // from the lowest resolution
};

}  // namespace

std::unique_ptr<Function> make_unet(Parameters& parameters, const Architecture& architecture) {
  const Shape& in = architecture.input;
  const Shape& out = architecture.output;
  if (in.height != out.height || in.width != out.width) {
    throw Error("unet: input and output have one height and width");
  }
  need_levels(architecture);
  need_positive(architecture, "patch", architecture.patch);
  need_resolutions(architecture, in, architecture.patch);
  return std::make_unique<UNet>(parameters, architecture);
}

}  // namespace scorefield::net

// Kinds "encoder", "classifier" (images to vectors) and "decoder" (vectors to images): residual blocks at falling or
// rising resolutions, as half a U-Net without attention.
#include <memory>

#include "scorefield/base/error.h"
#include "scorefield/torch/blocks.h"
#include "scorefield/torch/function.h"
#include "scorefield/torch/hyperparameters.h"

namespace scorefield::net {
namespace {

std::size_t condition_width(const Architecture& architecture) {
  return architecture.noise_label || architecture.classes > 0 ? 4 * architecture.width : 0;
}

/// The blocks of one resolution; they take `channels` and leave how many they give there.
std::vector<ResidualBlock> blocks_at(Parameters& parameters, const Architecture& architecture, std::size_t level,
                                     std::size_t& channels) {
  std::vector<ResidualBlock> made;
  for (std::size_t i = 0; i < architecture.blocks; ++i) {
    made.emplace_back(parameters, "level." + std::to_string(level) + "." + std::to_string(i), channels,
                      channels_at(architecture, level), architecture.groups, condition_width(architecture));
    channels = channels_at(architecture, level);
  }
  return made;
}

std::size_t features_of(const Architecture& architecture) {
  return channels_at(architecture, architecture.multipliers.size() - 1);
}

/// Height times width at the lowest resolution.
std::size_t positions_of(const Architecture& architecture, const Shape& image) {
  const std::size_t unit = architecture.patch << (architecture.multipliers.size() - 1);
  return image.height / unit * (image.width / unit);
}

/// Image -> features at the lowest resolution -> a vector: of all of them ("encoder"), or of their means over
/// positions, which follow it ("classifier": [logits, features]).
class Encoder final : public Function {
 public:
  Encoder(Parameters& parameters, const Architecture& architecture)
      : patch_(static_cast<std::int64_t>(architecture.patch)),
        pooled_(architecture.kind == "classifier"),
        conditioning_(parameters, "condition", architecture, condition_width(architecture)),
        in_(parameters, "in", architecture.input.channels * architecture.patch * architecture.patch,
            channels_at(architecture, 0), 3),
        norm_(parameters, "out.norm", architecture.groups, features_of(architecture)),
        out_(parameters, "out.linear",
             features_of(architecture) * (pooled_ ? 1 : positions_of(architecture, architecture.input)),
             architecture.output.size() - (pooled_ ? features_of(architecture) : 0)) {
    std::size_t channels = channels_at(architecture, 0);
    for (std::size_t level = 0; level < architecture.multipliers.size(); ++level) {
      levels_.push_back(blocks_at(parameters, architecture, level, channels));
    }
  }

  at::Tensor operator()(const Inputs& inputs) const override {
    at::Tensor condition = conditioning_(inputs.label, inputs.classes);
    if (condition.defined()) condition = at::silu(condition);
    at::Tensor h = in_(patch_ == 1 ? inputs.x : at::pixel_unshuffle(inputs.x, patch_));
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      if (level > 0) h = at::avg_pool2d(h, 2);
      for (const ResidualBlock& block : levels_[level]) h = block(h, condition);
    }
    h = at::silu(norm_(h)).flatten(2);
    if (!pooled_) return out_(h.flatten(1));
    h = h.mean(2);
    return at::cat({out_(h), h}, 1);
  }

 private:
  std::int64_t patch_;
  bool pooled_;
  Conditioning conditioning_;
  Convolution in_;
  GroupNorm norm_;
  Linear out_;
  std::vector<std::vector<ResidualBlock>> levels_;
};

class Decoder final : public Function {
 public:
  Decoder(Parameters& parameters, const Architecture& architecture)
      : patch_(static_cast<std::int64_t>(architecture.patch)),
        height_(static_cast<std::int64_t>(architecture.output.height / architecture.patch >>
                                          (architecture.multipliers.size() - 1))),
        conditioning_(parameters, "condition", architecture, condition_width(architecture)),
        in_(parameters, "in", architecture.input.size(),
            features_of(architecture) * positions_of(architecture, architecture.output)),
        norm_(parameters, "out.norm", architecture.groups, channels_at(architecture, 0)),
        out_(parameters, "out.convolution", channels_at(architecture, 0),
             architecture.output.channels * architecture.patch * architecture.patch, 3) {
    std::size_t channels = features_of(architecture);
    channels_ = static_cast<std::int64_t>(channels);
    for (std::size_t level = architecture.multipliers.size(); level-- > 0;) {
      levels_.push_back(blocks_at(parameters, architecture, level, channels));
    }
  }

  at::Tensor operator()(const Inputs& inputs) const override {
    at::Tensor condition = conditioning_(inputs.label, inputs.classes);
    if (condition.defined()) condition = at::silu(condition);
    const at::Tensor x = inputs.x.flatten(1);
    at::Tensor h = in_(x).reshape({x.size(0), channels_, height_, -1});
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      if (i > 0) h = at::upsample_nearest2d(h, {2 * h.size(2), 2 * h.size(3)});
      for (const ResidualBlock& block : levels_[i]) h = block(h, condition);
    }
    h = out_(at::silu(norm_(h)));
    return patch_ == 1 ? h : at::pixel_shuffle(h, patch_);
  }

 private:
  std::int64_t patch_;
  std::int64_t height_;  // at the lowest resolution
  std::int64_t channels_ = 0;
  Conditioning conditioning_;
  Linear in_;
  GroupNorm norm_;
  Convolution out_;
  std::vector<std::vector<ResidualBlock>> levels_;  // from the lowest resolution
};

void need_image(const Architecture& architecture, const Shape& image) {
  need_levels(architecture);
  need_positive(architecture, "patch", architecture.patch);
  need_resolutions(architecture, image, architecture.patch);
}

}  // namespace

std::unique_ptr<Function> make_encoder(Parameters& parameters, const Architecture& architecture) {
  need_image(architecture, architecture.input);
  if (architecture.kind == "classifier" && architecture.output.size() <= features_of(architecture)) {
    throw Error("classifier: its output of " + std::to_string(architecture.output.size()) +
                " values has to hold the logits and then " + std::to_string(features_of(architecture)) +
                " features (width times the last multiplier)");
  }
  return std::make_unique<Encoder>(parameters, architecture);
}

std::unique_ptr<Function> make_decoder(Parameters& parameters, const Architecture& architecture) {
  need_image(architecture, architecture.output);
  return std::make_unique<Decoder>(parameters, architecture);
}

}  // namespace scorefield::net

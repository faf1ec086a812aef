// What a network is made of: every hyperparameter that fixes its tensors and its function. Saved with each model.
// C++17, as all that LibTorch's side includes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace scorefield::net {

/// Values in and out of a network: rows of channels * height * width, channel-major; vectors are channels x 1 x 1.
struct Shape {
  std::size_t channels = 1;
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t size() const { return channels * height * width; }
};

/// A network is a function of a row, its noise label (a number: c_noise) and its class. What a field does not concern
/// (`kind` says) is left at its default and is not saved.
struct Architecture {
  /// "mlp": vectors, residual-free SiLU layers (Fourier features of the noise label join the input).
  /// "unet": images; residual blocks, group norm, SiLU, attention at the low resolutions (Ho et al. 2020).
  /// "dit": images; a transformer over patches, adaptive layer norm (Peebles and Xie 2023).
  /// "encoder", "decoder": images to vectors and back, convolutional (autoencoders).
  /// "classifier": an encoder whose output is [logits, features]; features are the last width * multiplier values.
  std::string kind = "mlp";
  Shape input;
  Shape output;
  /// Class embeddings: 0 for none; one more, the last, stands for "no class" (-1).
  std::size_t classes = 0;
  /// Whether the network has a noise label at all.
  bool noise_label = true;

  std::size_t width = 128;  // mlp: units a layer; dit: of a token; others: channels at the first resolution
  std::size_t layers = 3;   // mlp: hidden layers; dit: blocks
  /// Frequencies of the Fourier features of the noise label.
  std::size_t frequencies = 16;

  std::vector<std::size_t> multipliers = {1, 2, 2};  // of `width`, a resolution (all but mlp and dit)
  std::size_t blocks = 2;                            // residual blocks a resolution
  std::size_t attention_below = 8;                   // unet: attention where height and width are at most this
  std::size_t heads = 4;                             // of attention
  std::size_t groups = 8;                            // of group norm
  std::size_t patch = 1;  // pixels a side of a token (dit) or of a position at the first resolution
};

}  // namespace scorefield::net

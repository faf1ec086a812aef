// What `scorefield decode` reads and writes: samples in a latent space, and the folder of what they decode to.
#pragma once

#include <filesystem>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {

struct LatentSamples {
  Dataset rows;
  /// Digest of the autoencoder that they say they are latents of; empty where they say nothing.
  std::string autoencoder;
};

/// Rows of a run folder (its samples.npz, with what its config.json tells of the data or the model that it sampled), or
/// whatever open_dataset() takes.
LatentSamples open_latent_samples(const std::string& spec, const Context& context);

/// Throws Error where samples say that they are latents of another autoencoder than that of `model`.
void check_same_autoencoder(const LatentSamples& samples, const std::string& spec, const std::string& model,
                            const std::string& digest);

/// samples.npz: arr_0 uint8 [N, H, W, C] of 8-bit images, else float32 [N, d], and arr_1, labels where there are any;
/// grid.png of images: the first 100.
void write_decoded(const Dataset& decoded, const RunFolder& folder);

}  // namespace scorefield

// The file of a trained model: networks with their architectures, and all that was said when they were trained, in one
// safetensors file (docs/training.md, classifiers.md and latent.md list every tensor and key).
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/learn/network.h"

namespace scorefield {

namespace net {

/// Every hyperparameter, also those that the kind does not use.
void to_json(nlohmann::json& json, const Architecture& architecture);
/// Throws Error (naming the key) for JSON that is no Architecture, and for unknown keys.
void from_json(const nlohmann::json& json, Architecture& architecture);

}  // namespace net

struct SavedNetwork {
  net::Architecture architecture;
  std::vector<float> weights;  // flat, in the order of the layout
};

struct ModelFile {
  /// What the networks are together: "denoiser", "classifier", "autoencoder".
  std::string kind;
  /// Everything else that the kind needs, and how it was trained.
  nlohmann::json config;
  /// By their part in the model. The tensor t of the network n is "n.t".
  std::map<std::string, SavedNetwork> networks;
  /// Plain numbers that belong to the model, such as the mean of its data: float64, one axis.
  std::map<std::string, std::vector<double>> vectors;
};

/// Beside it first, then renamed. Needs LibTorch for the layouts.
void write_model(const std::filesystem::path& path, const ModelFile& model);

/// Throws Error (with the path) for a file that is no model, one of another version, tensors that do not fit the
/// architecture (naming the first), and weights or vectors that are not finite.
ModelFile read_model(const std::filesystem::path& path, const Context& context);

}  // namespace scorefield

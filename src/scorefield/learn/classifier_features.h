// What samples are compared in: the features of a classifier, also of the one that comes with scorefield.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "scorefield/learn/classifier.h"
#include "scorefield/metrics/feature_map.h"

namespace scorefield {

/// Features and class probabilities of a classifier of clean rows. name: for people and config files.
/// Throws Error for a noisy classifier, and for one without features.
std::unique_ptr<FeatureMap> classifier_features(const Classifier& classifier, std::string name);

/// The classifier of Fashion-MNIST that is installed with scorefield (docs/classifiers.md). Throws Error where its file
/// is missing.
std::filesystem::path fashion_mnist_classifier();

/// "classifier" for Fashion-MNIST where networks can be used (what is installed with scorefield was trained on it),
/// "pca" for all other data.
std::string default_features(const Dataset& data);

/// As make_feature_map(), and "classifier" (that of Fashion-MNIST) or a classifier's file, NAME.safetensors. Throws
/// Error for a classifier of rows of another shape or in other units than the data's.
std::unique_ptr<FeatureMap> open_feature_map(const std::string& spec, const Dataset& data, std::uint64_t seed,
                                             const Context& context);

}  // namespace scorefield

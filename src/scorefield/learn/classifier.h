// A trained classifier: the network, how rows come to it, and the data it was trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scorefield/data/form.h"
#include "scorefield/learn/architecture.h"
#include "scorefield/learn/network_classifier.h"

namespace scorefield {

/// Its input is (x - centre)/sqrt(sigma^2 + sigma_data^2), its noise label log(sigma)/4, as EDM's denoiser has them.
struct Classifier {
  /// Of states at any noise level, p(class | x; sigma), which is what guides; else of clean rows, sigma = 0.
  bool noisy = false;
  std::vector<double> centre;      // as Denoiser::centre
  double sigma_data = 0.5;         // deviation of a value about the centre
  DataForm data;                   // its classes are those that are told apart
  net::Architecture architecture;  // kind "classifier": images, with features; "mlp": vectors, without
  std::vector<float> weights;
  nlohmann::json training;  // how it was trained, as the run's config has it
};

/// The hyperparameters of `chosen` with the input and output that classifiers of such data have. Throws Error for
/// data with fewer than two classes, and kinds other than "classifier" (images) and "mlp".
net::Architecture classifier_architecture(net::Architecture chosen, const DataForm& data, bool noisy);

/// Of centred rows. sigma_data: as Classifier::sigma_data.
std::shared_ptr<const Preconditioner> classifier_preconditioner(double sigma_data);

void write_classifier(const std::filesystem::path& path, const Classifier& classifier);

/// Throws Error (with the path) as read_model() does, and for a model of another kind.
Classifier read_classifier(const std::filesystem::path& path, const Context& context);

/// It copies what it needs.
std::unique_ptr<const NetworkClassifier> make_network_classifier(const Classifier& classifier);

/// A classifier of noisy rows for `data`, from its file. Throws Error as read_classifier() does, and for one of clean
/// rows, or of rows of another shape, in other units or with other classes.
std::unique_ptr<const NetworkClassifier> open_guiding_classifier(const std::filesystem::path& path, const Dataset& data,
                                                                 const Context& context);

/// The share of rows whose most probable class (ties: the lower) is their label: of rows with noise of deviation sigma,
/// drawn by `seed` (noisy classifiers), or of clean ones, sigma = 0. Throws Error for rows of another shape, without
/// labels, or with labels that the classifier does not know, and a sigma that it is not for.
double accuracy(const Classifier& classifier, const Dataset& data, double sigma, std::uint64_t seed,
                const Context& context);

}  // namespace scorefield

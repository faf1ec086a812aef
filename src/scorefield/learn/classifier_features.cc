#include "scorefield/learn/classifier_features.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

constexpr const char* kShipped = "fashion-mnist-classifier.safetensors";
constexpr const char* kShippedData = "fashion-mnist";

class ClassifierFeatures final : public FeatureMap {
 public:
  ClassifierFeatures(std::unique_ptr<const NetworkClassifier> network, std::string name)
      : network_(std::move(network)), name_(std::move(name)) {}

  std::string name() const override { return name_; }
  std::size_t input_dimension() const override { return network_->dimension(); }
  std::size_t dimension() const override { return network_->features(); }
  FeatureRows features(RowsView<const double> x, const Context& context) const override {
    ClassifierAnswer answer = network_->ask_clean(x, context);
    for (double& value : answer.log_probability.values()) value = std::exp(value);
    return {std::move(answer.features), std::move(answer.log_probability)};
  }

 private:
  std::unique_ptr<const NetworkClassifier> network_;
  std::string name_;
};

}  // namespace

std::unique_ptr<FeatureMap> classifier_features(const Classifier& classifier, std::string name) {
  if (classifier.noisy) {
    throw Error(
        fmt::format("{}: this classifier was trained on noisy rows, to guide; features are those of one that "
                    "was trained on clean rows",
                    name));
  }
  auto network = make_network_classifier(classifier);
  if (network->features() == 0) {
    throw Error(fmt::format("{}: an {} has no features; those of a network of the kind classifier can be compared",
                            name, classifier.architecture.kind));
  }
  return std::make_unique<ClassifierFeatures>(std::move(network), std::move(name));
}

std::filesystem::path fashion_mnist_classifier() {
  std::filesystem::path path = file_of_this_library(kShipped);
  if (!exists(path)) {
    throw Error(fmt::format("{} is missing: it belongs to scorefield; install it anew, or give a classifier's file",
                            path.string()));
  }
  return path;
}

std::string default_features(const Dataset& data) {
  const bool as_shipped = data.name() == kShippedData && data.shape() == std::vector<std::size_t>{1, 28, 28} &&
                          data.affine() == kImageUnits;
  return as_shipped && why_no_networks().empty() ? "classifier" : "pca";
}

std::unique_ptr<FeatureMap> open_feature_map(const std::string& spec, const Dataset& data, std::uint64_t seed,
                                             const Context& context) {
  const bool shipped = spec == "classifier";
  if (!shipped && !spec.ends_with(".safetensors")) return make_feature_map(spec, data, seed, context);
  const Classifier classifier =
      read_classifier(shipped ? fashion_mnist_classifier() : std::filesystem::path(spec), context);
  check_rows(spec, classifier.data, data);
  return classifier_features(classifier, spec);
}

}  // namespace scorefield

#include "scorefield/learn/classifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/learn/denoiser.h"
#include "scorefield/learn/model_file.h"

namespace scorefield {
namespace {

constexpr const char* kKind = "classifier";

void check_labelled(const Classifier& classifier, const Dataset& data) {
  check_rows("the classifier", classifier.data, data);
  if (data.labels().empty()) throw Error(fmt::format("{} has no labels to hold the classifier against", data.name()));
  if (data.classes() > classifier.data.classes) {
    throw Error(fmt::format("{}: labels from 0 to {}, but the classifier knows those from 0 to {}", data.name(),
                            data.classes() - 1, classifier.data.classes - 1));
  }
}

}  // namespace

net::Architecture classifier_architecture(net::Architecture chosen, const DataForm& data, bool noisy) {
  if (data.classes < 2) {
    throw Error(fmt::format("{}: a classifier needs labels of two or more classes, and these rows have {}", data.name,
                            data.classes == 0 ? "no labels" : "one class only"));
  }
  if (chosen.kind != "mlp" && chosen.kind != kKind) {
    throw Error(fmt::format("a classifier is a network of the kind classifier (images) or mlp, not {}", chosen.kind));
  }
  if (chosen.kind == kKind && !data.is_image()) {
    throw Error(fmt::format("{}: its rows are vectors, and networks of the kind classifier are for images; take mlp",
                            data.name));
  }
  const std::size_t features = chosen.kind == kKind ? chosen.width * chosen.multipliers.back() : 0;
  chosen.input =
      data.is_image() ? net::Shape{data.shape[0], data.shape[1], data.shape[2]} : net::Shape{data.dimension(), 1, 1};
  chosen.output = {data.classes + features, 1, 1};
  chosen.classes = 0;
  chosen.noise_label = noisy;
  return chosen;
}

std::shared_ptr<const Preconditioner> classifier_preconditioner(double sigma_data) {
  return make_preconditioner({"edm", "edm", sigma_data});
}

void write_classifier(const std::filesystem::path& path, const Classifier& classifier) {
  write_model(path, {kKind,
                     {{"noisy", classifier.noisy},
                      {"sigma_data", classifier.sigma_data},
                      {"centre", classifier.centre},
                      {"data", classifier.data},
                      {"training", classifier.training}},
                     {{kKind, {classifier.architecture, classifier.weights}}},
                     {}});
}

Classifier read_classifier(const std::filesystem::path& path, const Context& context) {
  const ModelFile file = read_model(path, context);
  const auto fault = [&](const std::string& what) { return Error(fmt::format("{}: {}", path.string(), what)); };
  if (file.kind != kKind || !file.networks.contains(kKind)) {
    throw fault(fmt::format("a model of the kind '{}', not a classifier", file.kind));
  }
  Classifier classifier;
  try {
    const auto& config = file.config;
    classifier.noisy = config.at("noisy").get<bool>();
    classifier.sigma_data = config.at("sigma_data").get<double>();
    classifier.centre = config.at("centre").get<std::vector<double>>();
    classifier.data = config.at("data").get<DataForm>();
    classifier.training = config.at("training");
    (void)classifier_preconditioner(classifier.sigma_data);
    classifier.architecture = file.networks.at(kKind).architecture;
    const net::Architecture fitting =
        classifier_architecture(classifier.architecture, classifier.data, classifier.noisy);
    if (classifier.architecture.input.size() != fitting.input.size() ||
        classifier.architecture.output.size() != fitting.output.size() ||
        classifier.architecture.noise_label != fitting.noise_label || classifier.architecture.classes != 0 ||
        classifier.centre.size() != classifier.data.shape[0]) {
      throw Error("its network and the data it says it was trained on do not fit together");
    }
  } catch (const nlohmann::json::exception& what) {
    throw fault(fmt::format("its metadata do not describe a classifier: {}", what.what()));
  } catch (const Error& what) {
    throw fault(what.what());
  }
  classifier.weights = file.networks.at(kKind).weights;
  return classifier;
}

std::unique_ptr<const NetworkClassifier> make_network_classifier(const Classifier& classifier) {
  const std::shared_ptr<const Preconditioner> preconditioner = classifier_preconditioner(classifier.sigma_data);
  return std::make_unique<NetworkClassifier>(
      make_evaluator(classifier.architecture, classifier.weights, preconditioner->at(1).label),
      ClassifierInput{spread_centre(classifier.centre, classifier.data), preconditioner, classifier.noisy},
      classifier.data.classes);
}

std::unique_ptr<const NetworkClassifier> open_guiding_classifier(const std::filesystem::path& path, const Dataset& data,
                                                                 const Context& context) {
  const Classifier classifier = read_classifier(path, context);
  if (!classifier.noisy) {
    throw Error(
        fmt::format("{}: a classifier of clean rows says nothing about noisy ones; to guide, train one with "
                    "--arch classifier --noisy",
                    path.string()));
  }
  check_rows(path.string(), classifier.data, data);
  const DataForm& form = classifier.data;
  if (data.classes() > form.classes ||
      (!data.label_names().empty() && !form.label_names.empty() && data.label_names() != form.label_names)) {
    throw Error(fmt::format("{}: tells the {} classes of {} apart, and those of {} are others", path.string(),
                            form.classes, form.name, data.name()));
  }
  return make_network_classifier(classifier);
}

double accuracy(const Classifier& classifier, const Dataset& data, double sigma, std::uint64_t seed,
                const Context& context) {
  check_labelled(classifier, data);
  if (classifier.noisy == (sigma == 0)) {
    throw Error(classifier.noisy ? "this classifier is for noisy rows: give a noise level above 0"
                                 : "this classifier has seen clean rows only: it is asked at noise level 0");
  }
  constexpr std::size_t kBlock = 512;
  const std::size_t d = data.dimension();
  const auto network = make_network_classifier(classifier);
  const RandomStream stream(seed, Purpose::kProbe);
  std::size_t right = 0;
  for (std::size_t first = 0; first < data.size(); first += kBlock) {
    Rows x(std::min(kBlock, data.size() - first), d);
    std::vector<double> noise(d);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      data.row(first + i, x[i]);
      if (sigma == 0) continue;
      stream.normals(noise, (first + i) * d);
      for (std::size_t k = 0; k < d; ++k) x(i, k) += sigma * noise[k];
    }
    const Rows log_p = sigma == 0 ? network->ask_clean(x.view(), context).log_probability
                                  : network->ask(x.view(), {&sigma, 1}, {}, context).log_probability;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const auto best = std::ranges::max_element(log_p[i]) - log_p[i].begin();
      if (best == data.labels()[first + i]) ++right;
    }
  }
  return static_cast<double>(right) / static_cast<double>(data.size());
}

}  // namespace scorefield

#include "scorefield/learn/classifier_training.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/learn/classification.h"
#include "scorefield/learn/library.h"

namespace scorefield {

ClassifierTraining::ClassifierTraining(const TrainingSettings& settings, bool noisy, const Dataset& data,
                                       const Dataset* held_out, const Context& context) {
  if (settings.loader.class_dropout > 0) {
    throw Error("a classifier learns the class of every row; leave none out (--class-dropout 0)");
  }
  const CentredLaw law = learnt_law(data, context);
  made_ = {noisy, law.centre, law.sigma_data, form_of(data), settings.architecture, {}, {}};
  const net::Architecture fitting = classifier_architecture(settings.architecture, made_.data, noisy);
  ensure(fitting.input.size() == settings.architecture.input.size() &&
             fitting.output.size() == settings.architecture.output.size(),
         "an architecture that fits the data");
  if (held_out != nullptr) check_same_labels(data, *held_out);
  if (held_out != nullptr && settings.held_out_rows > 0) {
    std::vector<std::size_t> first(std::min(settings.held_out_rows, held_out->size()));
    std::iota(first.begin(), first.end(), std::size_t{0});
    measured_ = held_out->select(first);
  }
  TrainingSettings own = settings;
  own.target = {"edm", "edm", law.sigma_data};
  own.weight = "uniform";
  own.loader.labels = true;
  NoisingOptions options = noising_of(own, spread_centre(law.centre, made_.data));
  if (!noisy) {
    options.law = no_noise();
    options.proposal = nullptr;
  }
  NoisedRows training(BatchLoader(data, own.loader), options);
  std::optional<NoisedRows> fixed = held_out_rows(own, held_out == nullptr ? data : *held_out, options);
  weights_ =
      std::make_unique<Weights>(std::vector<NetworkTensors>{{"", network_library().layout(settings.architecture)}},
                                settings.loader.seed, context);
  task_ = std::make_unique<ClassificationTask>(
      std::move(training), std::move(fixed), settings.micro_batch,
      WorkerNetworks(settings.architecture, weights_->of_network(0), settings.arithmetic,
                     context.pool == nullptr ? 1 : context.pool->threads()),
      data.classes(), settings.architecture.output.size(), noisy);
  trainer_ = std::make_unique<Trainer>(*weights_, *task_, settings.trainer, context);
}

Classifier ClassifierTraining::classifier(nlohmann::json training) const {
  Classifier classifier = made_;
  const std::span<const float> average = trainer_->average();
  classifier.weights.assign(average.begin(), average.end());
  classifier.training = std::move(training);
  return classifier;
}

void ClassifierTraining::write(const std::filesystem::path& path, const nlohmann::json& training) const {
  write_classifier(path, classifier(training));
}

nlohmann::json ClassifierTraining::figures(const Context& context) const {
  nlohmann::json figures = nlohmann::json::object();
  if (!measured_) return figures;
  const double sigma = made_.noisy ? made_.sigma_data : 0;
  figures["held_out_accuracy"] = accuracy(classifier({}), *measured_, sigma, 0, context);
  return figures;
}

}  // namespace scorefield

#include "scorefield/learn/denoiser_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/empirical.h"
#include "scorefield/learn/library.h"
#include "scorefield/learn/training_pictures.h"

namespace scorefield {
CentredLaw learnt_law(const Dataset& data, const Context& context) {
  CentredLaw law = centred_law(data, context);
  if (!(law.sigma_data > 0)) {
    throw Error(fmt::format("{}: all rows are the same, so there is nothing to learn", data.name()));
  }
  return law;
}

NoisingOptions noising_of(const TrainingSettings& settings, std::vector<double> centre) {
  NoisingOptions options;
  options.centre = std::move(centre);
  options.preconditioner = make_preconditioner(settings.target);
  options.weight = make_loss_weight(settings.weight, settings.target);
  options.law = make_noise_law(settings.noise_law, settings.target, settings.sigma_min, settings.sigma_max);
  if (!settings.importance.empty()) {
    options.proposal = make_noise_law(settings.importance, settings.target, settings.sigma_min, settings.sigma_max);
  }
  options.antithetic = settings.antithetic;
  return options;
}

std::optional<NoisedRows> held_out_rows(const TrainingSettings& settings, const Dataset& data,
                                        const NoisingOptions& options) {
  if (settings.held_out_rows == 0) return std::nullopt;
  LoaderOptions loader = settings.loader;
  loader.batch = std::min(settings.held_out_rows, data.size());
  loader.class_dropout = 0;
  loader.flip = false;
  return NoisedRows::held_out(BatchLoader(data, loader), options);
}

double sigma_data_of(const Dataset& data, const Context& context) {
  return learnt_law(data, context).sigma_data;
}

void check_same_labels(const Dataset& data, const Dataset& held_out) {
  if (held_out.classes() <= data.classes()) return;
  throw Error(fmt::format("{}: has the label {}, but those of {} go from 0 to {}", held_out.name(),
                          held_out.classes() - 1, data.name(), data.classes() - 1));
}

net::Architecture fit_architecture(net::Architecture architecture, const Dataset& data, bool labels) {
  const std::vector<std::size_t>& shape = data.shape();
  const bool as_image = data.is_image() && architecture.kind != "mlp";
  architecture.input = as_image ? net::Shape{shape[0], shape[1], shape[2]} : net::Shape{data.dimension(), 1, 1};
  architecture.output = architecture.input;
  architecture.classes = labels ? data.classes() : 0;
  return architecture;
}

DenoiserTraining::DenoiserTraining(const TrainingSettings& settings, const Dataset& data, const Dataset* held_out,
                                   const Context& context)
    : settings_(settings), data_(data), form_(form_of(data)), law_(learnt_law(data, context)) {
  if (held_out != nullptr && settings.architecture.classes > 0) check_same_labels(data, *held_out);
  const std::vector<double> centre = spread_centre(law_.centre, form_);
  const NoisingOptions options = noising_of(settings, centre);
  NoisedRows training(BatchLoader(data, settings.loader), options);
  std::optional<NoisedRows> fixed = held_out_rows(settings, held_out == nullptr ? data : *held_out, options);

  weights_ =
      std::make_unique<Weights>(std::vector<NetworkTensors>{{"", network_library().layout(settings.architecture)}},
                                settings.loader.seed, context);
  WorkerNetworks networks(settings.architecture, weights_->of_network(0), settings.arithmetic,
                          context.pool == nullptr ? 1 : context.pool->threads());
  if (settings.objective == Objective::kDenoising) {
    task_ = std::make_unique<DenoisingTask>(std::move(training), std::move(fixed), settings.micro_batch,
                                            std::move(networks));
  } else {
    ScoreMatchingTask::Options matching{settings.objective, settings.probes, settings.loader.seed, nullptr, centre};
    if (settings.objective == Objective::kExplicit) {
      matching.field = std::make_shared<Empirical>(data, EmpiricalOptions{}, context);
    }
    task_ = std::make_unique<ScoreMatchingTask>(std::move(training), std::move(fixed), settings.micro_batch,
                                                std::move(networks), std::move(matching));
  }
  trainer_ = std::make_unique<Trainer>(*weights_, *task_, settings.trainer, context);
}

DenoiserTraining::~DenoiserTraining() = default;

Denoiser DenoiserTraining::denoiser(nlohmann::json training) const {
  const std::span<const float> average = trainer_->average();
  return {settings_.target,
          law_.centre,
          form_,
          law_.law,
          settings_.architecture,
          {average.begin(), average.end()},
          std::move(training),
          settings_.loader.class_dropout > 0};
}

void DenoiserTraining::write(const std::filesystem::path& path, const nlohmann::json& training) const {
  write_denoiser(path, denoiser(training));
}

std::string DenoiserTraining::loss_label() const {
  switch (settings_.objective) {
    case Objective::kExplicit:
      return "mean of w |D - D of the data|²/d";
    case Objective::kImplicit:
    case Objective::kSliced:
      return "mean of w |D - D of the data|²/d, up to a constant";
    default:
      return "mean of w |D - x0|²/d";
  }
}

std::size_t DenoiserTraining::picture_evaluations() const {
  return data_.is_picture() || data_.dimension() == 2 ? grid_evaluations(data_) : 0;
}

void DenoiserTraining::write_picture(const std::filesystem::path& stem, const Context& context) const {
  write_sample_grid(denoiser({}), data_, stem, context);
}

}  // namespace scorefield

#include "scorefield/learn/denoiser.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/metrics/value_statistics.h"

namespace scorefield {
namespace {

constexpr const char* kKind = "denoiser";
constexpr const char* kMean = "data.mean";

/// Values of a row that share one centre: the pixels of a channel.
std::size_t values_a_channel(const std::vector<std::size_t>& shape) {
  return shape.size() == 3 ? shape[1] * shape[2] : 1;
}

}  // namespace

std::vector<double> spread_centre(const std::vector<double>& centre, const DataForm& data) {
  const std::size_t pixels = values_a_channel(data.shape);
  ensure(centre.size() * pixels == data.dimension(), "a centre for every channel");
  std::vector<double> spread(data.dimension());
  for (std::size_t k = 0; k < spread.size(); ++k) spread[k] = centre[k / pixels];
  return spread;
}

CentredLaw centred_law(const Dataset& data, const Context& context) {
  const ValueStatistics values = value_statistics(data, context);
  const std::size_t d = data.dimension();
  const std::size_t pixels = values_a_channel(data.shape());
  CentredLaw made{std::vector<double>(d / pixels), 0, {values.coordinate_mean, values.variance}};
  for (std::size_t k = 0; k < d; ++k) {
    made.centre[k / pixels] += values.coordinate_mean[k] / static_cast<double>(pixels);
  }
  double sum = values.variance;
  for (std::size_t k = 0; k < d; ++k) {
    const double off = values.coordinate_mean[k] - made.centre[k / pixels];
    sum += off * off;
  }
  made.sigma_data = std::sqrt(sum / static_cast<double>(d));
  return made;
}

void write_denoiser(const std::filesystem::path& path, const Denoiser& denoiser) {
  const Target& target = denoiser.target;
  write_model(path, {kKind,
                     {{"predicts", target.predicts},
                      {"process", target.process},
                      {"sigma_data", target.sigma_data},
                      {"centre", denoiser.centre},
                      {"variance", denoiser.law.variance},
                      {"data", denoiser.data},
                      {"no_class", denoiser.takes_no_class},
                      {"training", denoiser.training}},
                     {{kKind, {denoiser.architecture, denoiser.weights}}},
                     {{kMean, denoiser.law.mean}}});
}

Denoiser read_denoiser(const std::filesystem::path& path, const Context& context) {
  const ModelFile file = read_model(path, context);
  const auto fault = [&](const std::string& what) { return Error(fmt::format("{}: {}", path.string(), what)); };
  if (file.kind != kKind || !file.networks.contains(kKind) || !file.vectors.contains(kMean)) {
    throw fault(fmt::format("a model of the kind '{}', not a denoiser", file.kind));
  }
  Denoiser denoiser;
  try {
    const auto& config = file.config;
    denoiser.target = {config.at("predicts").get<std::string>(), config.at("process").get<std::string>(),
                       config.at("sigma_data").get<double>()};
    denoiser.centre = config.at("centre").get<std::vector<double>>();
    denoiser.law.variance = config.at("variance").get<double>();
    denoiser.data = config.at("data").get<DataForm>();
    denoiser.training = config.at("training");
    denoiser.takes_no_class = config.value("no_class", true);
  } catch (const nlohmann::json::exception& what) {
    throw fault(fmt::format("its metadata do not describe a denoiser: {}", what.what()));
  } catch (const Error& what) {
    throw fault(what.what());
  }
  if (!(denoiser.law.variance >= 0)) throw fault("the variance of its data is below 0");
  const SavedNetwork& network = file.networks.at(kKind);
  denoiser.architecture = network.architecture;
  denoiser.weights = network.weights;
  denoiser.law.mean = file.vectors.at(kMean);
  const std::size_t d = denoiser.data.dimension();
  if (denoiser.architecture.input.size() != d || denoiser.architecture.output.size() != d ||
      denoiser.law.mean.size() != d || denoiser.centre.size() * values_a_channel(denoiser.data.shape) != d ||
      !denoiser.architecture.noise_label) {
    throw fault("its network, its mean and the data it says it was trained on have different sizes");
  }
  return denoiser;
}

std::unique_ptr<const Field> make_field(const Denoiser& denoiser) {
  auto preconditioner = std::shared_ptr<const Preconditioner>(make_preconditioner(denoiser.target));
  auto evaluator = make_evaluator(denoiser.architecture, denoiser.weights, preconditioner->at(1).label);
  return std::make_unique<NetworkField>(std::move(evaluator), std::move(preconditioner),
                                        NetworkUnits{spread_centre(denoiser.centre, denoiser.data), 1}, denoiser.law,
                                        NetworkClasses{denoiser.architecture.classes, denoiser.takes_no_class});
}

}  // namespace scorefield

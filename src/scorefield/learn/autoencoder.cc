#include "scorefield/learn/autoencoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/learn/denoiser.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

constexpr const char* kKind = "autoencoder";
constexpr const char* kCentre = "data.centre";
constexpr const char* kLogVariance = "log_variance";
constexpr const char* kLatentMean = "latent.mean";
constexpr const char* kLatentDeviation = "latent.deviation";

std::string part(const char* name, std::size_t level) {
  return fmt::format("{}.{}", name, level + 1);
}

/// What does not fit; "" where everything does.
std::string misfit(const Autoencoder& model) {
  std::size_t below = model.data.dimension();
  if (model.units.centre.size() != below) return "its centre and its data have different sizes";
  if (!(model.units.scale > 0) || !std::isfinite(model.units.scale) || !(model.units.rounding_width >= 0)) {
    return "its units are not positive numbers";
  }
  for (const AutoencoderLevel& level : model.levels) {
    const net::Architecture& encoder = level.encoder.architecture;
    const net::Architecture& decoder = level.decoder.architecture;
    if (encoder.input.size() != below || decoder.output.size() != below ||
        encoder.output.size() != 2 * decoder.input.size()) {
      return "its encoders and decoders have sizes that do not fit each other or the data";
    }
    if (encoder.noise_label || decoder.noise_label || encoder.classes > 0 || decoder.classes > 0) {
      return "its networks are conditional";
    }
    if (!std::isfinite(level.log_variance)) return "its variance is not finite";
    below = decoder.input.size();
  }
  const std::size_t m = model.latents();
  const auto positive = [](double v) { return v > 0; };
  if (model.latent_mean.size() != m || model.latent_deviation.size() != m ||
      !std::ranges::all_of(model.latent_deviation, positive)) {
    return "the standardisation of its latents does not fit them";
  }
  return "";
}

}  // namespace

double AutoencoderUnits::log_unit() const {
  return std::log((rounding_width > 0 ? rounding_width : 1) / scale);
}

AutoencoderUnits autoencoder_units(const Dataset& data, const Context& context) {
  const CentredLaw law = centred_law(data, context);
  if (!(law.sigma_data > 0)) {
    throw Error(fmt::format("{}: all rows are the same; there is nothing to learn", data.name()));
  }
  return {spread_centre(law.centre, form_of(data)), law.sigma_data,
          data.is_eight_bit() ? std::abs(data.affine().scale) : 0};
}

ChainLaw Autoencoder::law() const {
  ChainLaw law;
  for (const AutoencoderLevel& level : levels) law.log_variance.push_back(level.log_variance);
  law.rounding_width = units.rounding_width / units.scale;
  return law;
}

void write_autoencoder(const std::filesystem::path& path, const Autoencoder& autoencoder) {
  ModelFile file;
  file.kind = kKind;
  file.config = {{"levels", autoencoder.levels.size()},
                 {"scale", autoencoder.units.scale},
                 {"rounding_width", autoencoder.units.rounding_width},
                 {"data", autoencoder.data},
                 {"training", autoencoder.training}};
  file.vectors = {{kCentre, autoencoder.units.centre},
                  {kLogVariance, autoencoder.law().log_variance},
                  {kLatentMean, autoencoder.latent_mean},
                  {kLatentDeviation, autoencoder.latent_deviation}};
  for (std::size_t l = 0; l < autoencoder.levels.size(); ++l) {
    file.networks[part("encoder", l)] = autoencoder.levels[l].encoder;
    file.networks[part("decoder", l)] = autoencoder.levels[l].decoder;
  }
  write_model(path, file);
}

Autoencoder read_autoencoder(const std::filesystem::path& path, const Context& context) {
  ModelFile file = read_model(path, context);
  const auto fault = [&](const std::string& what) { return Error(fmt::format("{}: {}", path.string(), what)); };
  if (file.kind != kKind) throw fault(fmt::format("a model of the kind '{}', not an autoencoder", file.kind));
  Autoencoder model;
  std::size_t levels = 0;
  try {
    levels = file.config.at("levels").get<std::size_t>();
    model.units.scale = file.config.at("scale").get<double>();
    model.units.rounding_width = file.config.at("rounding_width").get<double>();
    model.data = file.config.at("data").get<DataForm>();
    model.training = file.config.at("training");
  } catch (const nlohmann::json::exception& what) {
    throw fault(fmt::format("its metadata do not describe an autoencoder: {}", what.what()));
  } catch (const Error& what) {
    throw fault(what.what());
  }
  for (const char* vector : {kCentre, kLogVariance, kLatentMean, kLatentDeviation}) {
    if (!file.vectors.contains(vector)) throw fault(fmt::format("holds no tensor '{}'", vector));
  }
  const std::vector<double>& log_variance = file.vectors[kLogVariance];
  if (levels == 0 || file.networks.size() != 2 * levels || log_variance.size() != levels) {
    throw fault(fmt::format("says it has {} levels, but has {} networks and {} variances", levels, file.networks.size(),
                            log_variance.size()));
  }
  for (std::size_t l = 0; l < levels; ++l) {
    const auto encoder = file.networks.find(part("encoder", l));
    const auto decoder = file.networks.find(part("decoder", l));
    if (encoder == file.networks.end() || decoder == file.networks.end()) {
      throw fault(fmt::format("lacks the encoder or the decoder of level {}", l + 1));
    }
    model.levels.push_back({std::move(encoder->second), std::move(decoder->second), log_variance[l]});
  }
  model.units.centre = std::move(file.vectors[kCentre]);
  model.latent_mean = std::move(file.vectors[kLatentMean]);
  model.latent_deviation = std::move(file.vectors[kLatentDeviation]);
  if (const std::string what = misfit(model); !what.empty()) throw fault(what);
  return model;
}

AutoencoderNetworks::AutoencoderNetworks(const Autoencoder& autoencoder) : units_(autoencoder.units) {
  for (const AutoencoderLevel& level : autoencoder.levels) {
    networks_.push_back(make_evaluator(level.encoder.architecture, level.encoder.weights, 0));
    networks_.push_back(make_evaluator(level.decoder.architecture, level.decoder.weights, 0));
  }
}

AutoencoderNetworks::AutoencoderNetworks(AutoencoderUnits units, std::vector<std::shared_ptr<const Evaluator>> networks)
    : units_(std::move(units)), networks_(std::move(networks)) {
  ensure(!networks_.empty() && networks_.size() % 2 == 0, "an encoder and a decoder a level");
}

Rows AutoencoderNetworks::read(const Dataset& data, std::size_t first, std::size_t count) const {
  ensure(data.dimension() == dimension(), "rows of the autoencoder's size");
  Rows x(count, dimension());
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = x[i];
    data.row(first + i, row);
    for (std::size_t k = 0; k < row.size(); ++k) row[k] = (row[k] - units_.centre[k]) / units_.scale;
  }
  return x;
}

Rows AutoencoderNetworks::apply(std::size_t level, bool decoder, const Rows& in, const Context& context) const {
  const Evaluator& network = *networks_[2 * level + (decoder ? 1 : 0)];
  ensure(in.cols() == network.input_size(), "rows of the network's size");
  const std::vector<float> x(in.values().begin(), in.values().end());
  std::vector<float> y(in.rows() * network.output_size());
  network.evaluate({in.rows(), x.data(), nullptr, nullptr}, y.data(), context);
  Rows out(in.rows(), network.output_size());
  std::ranges::copy(y, out.data());
  return out;
}

Rows AutoencoderNetworks::encode(const Rows& x, const Context& context) const {
  const Rows encoded = apply(0, false, x, context);
  Rows means(x.rows(), latents(0));
  for (std::size_t i = 0; i < x.rows(); ++i) {
    std::ranges::copy(encoded[i].first(means.cols()), means[i].begin());
  }
  return means;
}

Rows AutoencoderNetworks::draw_latents(const ChainLaw& law, std::size_t count, std::uint64_t seed,
                                       const Context& context) const {
  Rows z;
  for (std::size_t l = levels(); l-- > 0;) {
    const bool top = l + 1 == levels();
    Rows drawn(count, latents(l));
    RandomStream(seed, Purpose::kInitialNoise, l).normals(drawn.values());
    if (!top) {
      const Rows mean = apply(l + 1, true, z, context);
      const double deviation = std::exp(law.log_variance[l + 1] / 2);
      for (std::size_t k = 0; k < drawn.values().size(); ++k) {
        drawn.values()[k] = mean.values()[k] + deviation * drawn.values()[k];
      }
    }
    z = std::move(drawn);
  }
  return z;
}

Rows AutoencoderNetworks::decode(const Rows& z, const Context& context) const {
  Rows decoded = apply(0, true, z, context);
  for (std::size_t i = 0; i < decoded.rows(); ++i) {
    const auto row = decoded[i];
    for (std::size_t k = 0; k < row.size(); ++k) row[k] = units_.centre[k] + units_.scale * row[k];
  }
  return decoded;
}

}  // namespace scorefield

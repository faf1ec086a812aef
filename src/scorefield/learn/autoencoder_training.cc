#include "scorefield/learn/autoencoder_training.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/image_grid.h"
#include "scorefield/data/png.h"
#include "scorefield/learn/latents.h"
#include "scorefield/learn/training_pictures.h"

namespace scorefield {
namespace {

constexpr std::size_t kColumns = 16;
constexpr std::size_t kPairRows = 2;
constexpr std::size_t kDrawnRows = 3;
constexpr std::size_t kPoints = 1000;
constexpr std::uint64_t kPictureSeed = 0;

std::vector<std::size_t> first_rows(std::size_t count) {
  std::vector<std::size_t> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = i;
  return rows;
}

/// Rows in standard latents as decode_latents() takes them.
Dataset standardised(const Rows& z, const Autoencoder& model) {
  std::vector<float> values;
  for (std::size_t i = 0; i < z.rows(); ++i) {
    for (std::size_t k = 0; k < z.cols(); ++k) {
      values.push_back(static_cast<float>((z(i, k) - model.latent_mean[k]) / model.latent_deviation[k]));
    }
  }
  return make_dataset<float>("draws of the prior", std::move(values), {z.cols()});
}

}  // namespace

AutoencoderTraining::AutoencoderTraining(const TrainingSettings& settings, const Dataset& data, const Dataset* held_out,
                                         const Context& context)
    : settings_(settings),
      data_(data),
      shown_(held_out == nullptr ? data : *held_out),
      form_(form_of(data)),
      units_(autoencoder_units(data, context)),
      levels_(hierarchy(settings.architecture, data.shape(), settings.latents)),
      weights_(std::make_unique<Weights>(autoencoder_tensors(levels_), settings.loader.seed, context)),
      context_(context) {
  context_.progress = nullptr;
  context_.cancelled = nullptr;  // what was asked to stop is still to be written
  std::optional<BatchLoader> fixed;
  if (settings.held_out_rows > 0) {
    LoaderOptions options = settings.loader;
    options.batch = std::min(settings.held_out_rows, shown_.size());
    options.flip = false;
    fixed.emplace(shown_, options);
  }
  task_ = std::make_unique<AutoencoderTask>(
      BatchLoader(data, settings.loader), std::move(fixed), units_, settings.latents, settings.kl_weight,
      settings.micro_batch, *weights_,
      worker_networks(levels_, *weights_, settings.arithmetic, context.pool == nullptr ? 1 : context.pool->threads()));
  trainer_ = std::make_unique<Trainer>(*weights_, *task_, settings.trainer, context);
}

Autoencoder AutoencoderTraining::autoencoder(nlohmann::json training) const {
  Autoencoder model = autoencoder_of(levels_, *weights_, trainer_->average(), units_);
  model.data = form_;
  model.training = std::move(training);
  standardise_latents(model, data_, context_);
  return model;
}

void AutoencoderTraining::write(const std::filesystem::path& path, const nlohmann::json& training) const {
  write_autoencoder(path, autoencoder(training));
}

std::size_t AutoencoderTraining::picture_evaluations() const {
  if (data_.is_picture()) return 2 * kColumns * (kPairRows + kDrawnRows);
  return data_.dimension() == 2 ? kPoints : 0;
}

void AutoencoderTraining::write_picture(const std::filesystem::path& stem, const Context& context) const {
  Context quiet = context;
  quiet.progress = nullptr;
  const Autoencoder model = autoencoder({});
  const AutoencoderNetworks networks(model);
  if (!data_.is_picture()) {
    const ChainLaw law = model.law();
    Rows x = networks.decode(networks.draw_latents(law, kPoints, kPictureSeed, quiet), quiet);
    Rows noise(x.rows(), x.cols());
    RandomStream(kPictureSeed, Purpose::kLatentNoise).normals(noise.values());
    const double deviation = std::exp(law.log_variance.front() / 2) * model.units.scale;
    for (std::size_t k = 0; k < x.values().size(); ++k) x.values()[k] += deviation * noise.values()[k];
    write_samples_over_data(x, data_, stem);
    return;
  }
  const Dataset rows = shown_.select(first_rows(std::min(kColumns * kPairRows, shown_.size())));
  const Dataset back = decode_latents(latents_of(rows, model, "", quiet), model, quiet);
  const Dataset drawn = decode_latents(
      standardised(networks.draw_latents(model.law(), kColumns * kDrawnRows, kPictureSeed, quiet), model), model,
      quiet);
  std::vector<Image> images;
  for (std::size_t first = 0; first < rows.size(); first += kColumns) {
    const std::size_t end = std::min(first + kColumns, rows.size());
    for (std::size_t i = first; i < end; ++i) images.push_back(image_from_dataset(rows, i));
    for (std::size_t i = first; i < end; ++i) images.push_back(image_from_dataset(back, i));
  }
  for (std::size_t i = 0; i < drawn.size(); ++i) images.push_back(image_from_dataset(drawn, i));
  std::filesystem::path path = stem;
  path += ".png";
  write_png(path,
            image_grid(images, std::min(kColumns, rows.size()), visible_scale(form_.shape[1], form_.shape[2]), 2));
}

}  // namespace scorefield

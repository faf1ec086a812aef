#include "scorefield/learn/latents.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/sha256.h"
#include "scorefield/base/subset.h"
#include "scorefield/data/npz.h"
#include "scorefield/data/npz_writer.h"

namespace scorefield {
namespace {

constexpr std::size_t kRowsAtOnce = 256;
constexpr std::size_t kStandardisingRows = 4096;

/// Calls use(first, count) for blocks of rows.
void for_blocks(std::size_t rows, const Context& context,
                const std::function<void(std::size_t first, std::size_t count)>& use) {
  for (std::size_t first = 0; first < rows; first += kRowsAtOnce) {
    context.check_cancelled();
    const std::size_t count = std::min(kRowsAtOnce, rows - first);
    use(first, count);
    context.report("rows", static_cast<double>(first + count), static_cast<double>(rows));
  }
}

/// The data set of these values with labels and notes of another.
template <class T>
Dataset like(const Dataset& other, std::vector<T> values, std::vector<std::size_t> shape, Affine affine) {
  return make_dataset<T>(other.name(), std::move(values), std::move(shape), affine,
                         {other.labels().begin(), other.labels().end()}, other.label_names());
}

}  // namespace

void standardise_latents(Autoencoder& autoencoder, const Dataset& data, const Context& context) {
  check_rows("the autoencoder", autoencoder.data, data);
  const Dataset chosen =
      data.size() > kStandardisingRows ? data.select(random_subset(0, data.size(), kStandardisingRows)) : data;
  const AutoencoderNetworks networks(autoencoder);
  const std::size_t m = autoencoder.latents();
  Rows all(chosen.size(), m);
  for_blocks(chosen.size(), context, [&](std::size_t first, std::size_t count) {
    std::ranges::copy(networks.encode(networks.read(chosen, first, count), context).values(), all[first].begin());
  });
  const auto n = static_cast<double>(all.rows());
  autoencoder.latent_mean.assign(m, 0);
  autoencoder.latent_deviation.assign(m, 1);
  for (std::size_t k = 0; k < m; ++k) {
    double& mean = autoencoder.latent_mean[k];
    for (std::size_t i = 0; i < all.rows(); ++i) mean += all(i, k) / n;
    double square = 0;
    for (std::size_t i = 0; i < all.rows(); ++i) square += (all(i, k) - mean) * (all(i, k) - mean) / n;
    // The mean of equal numbers is off by its rounding, some n 2^-53 of them.
    if (std::sqrt(square) > n * 0x1p-52 * std::abs(mean)) autoencoder.latent_deviation[k] = std::sqrt(square);
  }
}

Dataset latents_of(const Dataset& data, const Autoencoder& autoencoder, const std::string& digest,
                   const Context& context) {
  check_rows("the autoencoder", autoencoder.data, data);
  const AutoencoderNetworks networks(autoencoder);
  const std::size_t m = autoencoder.latents();
  context.check_memory(data.size(), m * sizeof(float), "the latents");
  std::vector<float> values(data.size() * m);
  for_blocks(data.size(), context, [&](std::size_t first, std::size_t count) {
    const Rows z = networks.encode(networks.read(data, first, count), context);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < m; ++k) {
        values[(first + i) * m + k] =
            static_cast<float>((z(i, k) - autoencoder.latent_mean[k]) / autoencoder.latent_deviation[k]);
      }
    }
  });
  return like(data, std::move(values), {m}, {}).with_note(latents_note(digest));
}

void write_latents(const std::filesystem::path& path, const Dataset& latents, const Autoencoder& autoencoder,
                   const std::string& digest) {
  const std::size_t m = autoencoder.latents();
  ensure(latents.dimension() == m, "latents of this autoencoder");
  NpzWriter writer(path);
  const std::vector<std::size_t> shape = {latents.size(), m};
  writer.add_array<float>("arr_0", shape, {std::get<RowsView<const float>>(latents.stored()).data, shape[0] * m});
  const std::vector<std::size_t> rows = {latents.size()};
  if (!latents.labels().empty()) writer.add_array<std::int32_t>("arr_1", rows, latents.labels());
  const std::vector<std::size_t> length = {m};
  writer.add_array<double>("latent_mean", length, autoencoder.latent_mean);
  writer.add_array<double>("latent_deviation", length, autoencoder.latent_deviation);
  const std::vector<std::size_t> digits = {digest.size()};
  writer.add_array<std::uint8_t>(kAutoencoderKey, digits,
                                 {reinterpret_cast<const std::uint8_t*>(digest.data()), digest.size()});
  writer.finish();
}

Dataset decode_latents(const Dataset& latents, const Autoencoder& autoencoder, const Context& context) {
  const std::size_t m = autoencoder.latents();
  if (latents.dimension() != m) {
    throw Error(fmt::format("{}: rows of {} values, but the autoencoder has {} latents", latents.name(),
                            latents.dimension(), m));
  }
  const AutoencoderNetworks networks(autoencoder);
  const DataForm& form = autoencoder.data;
  const std::size_t d = form.dimension();
  context.check_memory(latents.size(), d * (form.eight_bit ? 1 : sizeof(float)), "the decoded rows");
  std::vector<std::uint8_t> bytes(form.eight_bit ? latents.size() * d : 0);
  std::vector<float> floats(form.eight_bit ? 0 : latents.size() * d);
  for_blocks(latents.size(), context, [&](std::size_t first, std::size_t count) {
    Rows z(count, m);
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = z[i];
      latents.row(first + i, row);
      for (std::size_t k = 0; k < m; ++k) {
        row[k] = autoencoder.latent_mean[k] + autoencoder.latent_deviation[k] * row[k];
      }
    }
    const Rows x = networks.decode(z, context);
    for (std::size_t i = 0; i < x.values().size(); ++i) {
      const double value = x.values()[i];
      if (!std::isfinite(value)) {
        throw Error(fmt::format("{}: row {} decodes to values that are not finite", latents.name(), first + i / d));
      }
      if (form.eight_bit) {
        const double stored = std::floor(form.affine.to_stored(value) + 0.5);
        bytes[first * d + i] = static_cast<std::uint8_t>(std::clamp(stored, 0.0, 255.0));
      } else {
        floats[first * d + i] = static_cast<float>(value);
      }
    }
  });
  if (form.eight_bit) return like(latents, std::move(bytes), form.shape, form.affine);
  return like(latents, std::move(floats), form.shape, {});
}

}  // namespace scorefield

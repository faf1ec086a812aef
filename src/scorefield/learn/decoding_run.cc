#include "scorefield/learn/decoding_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/data/image_grid.h"
#include "scorefield/data/npz.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/data/open.h"
#include "scorefield/data/png.h"

namespace scorefield {
namespace {

constexpr std::size_t kGridImages = 100;

/// The digest in a note of latents_note(); empty where it is another.
std::string digest_in(std::string_view note) {
  return note.starts_with(kLatentsOf) ? std::string(note.substr(kLatentsOf.size())) : std::string();
}

/// The first note of an autoencoder anywhere in a run's config: of its data, or of the data that its model saw.
std::string digest_in(const nlohmann::json& json) {
  if (json.is_string()) return digest_in(std::string_view(json.get_ref<const std::string&>()));
  if (!json.is_structured()) return "";
  for (const nlohmann::json& part : json) {
    if (std::string found = digest_in(part); !found.empty()) return found;
  }
  return "";
}

}  // namespace

LatentSamples open_latent_samples(const std::string& spec, const Context& context) {
  const std::filesystem::path folder = spec;
  LatentSamples samples;
  if (path_exists(folder / "samples.npz")) {
    samples.rows = open_dataset((folder / "samples.npz").string(), {}, context);
    if (path_exists(folder / "config.json")) {
      samples.autoencoder = digest_in(read_json(folder / "config.json", context));
    }
    return samples;
  }
  samples.rows = open_dataset(spec, {}, context);
  for (const std::string& note : samples.rows.notes()) {
    if (samples.autoencoder.empty()) samples.autoencoder = digest_in(std::string_view(note));
  }
  return samples;
}

void check_same_autoencoder(const LatentSamples& samples, const std::string& spec, const std::string& model,
                            const std::string& digest) {
  if (samples.autoencoder.empty() || samples.autoencoder == digest) return;
  constexpr std::size_t kShown = 12;
  throw Error(fmt::format("{}: latents of another autoencoder (SHA-256 {}...) than {} ({}...)", spec,
                          samples.autoencoder.substr(0, kShown), model, digest.substr(0, kShown)));
}

void write_decoded(const Dataset& decoded, const RunFolder& folder) {
  NpzWriter npz(folder / "samples.npz");
  const std::vector<std::size_t> rows = {decoded.size()};
  if (decoded.is_eight_bit() && decoded.is_picture()) {
    const auto& shape = decoded.shape();
    npz.begin_array("arr_0", ScalarType::kU8, std::vector<std::size_t>{rows[0], shape[1], shape[2], shape[0]});
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      npz.append<std::uint8_t>(image_from_dataset(decoded, i).pixels);
    }
  } else {
    npz.begin_array("arr_0", ScalarType::kF32, std::vector<std::size_t>{rows[0], decoded.dimension()});
    std::vector<double> row(decoded.dimension());
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      decoded.row(i, row);
      npz.append<float>(std::vector<float>(row.begin(), row.end()));
    }
  }
  if (!decoded.labels().empty()) npz.add_array<std::int32_t>("arr_1", rows, decoded.labels());
  npz.finish();
  if (!decoded.is_picture()) return;
  std::vector<Image> images;
  for (std::size_t i = 0; i < std::min(decoded.size(), kGridImages); ++i) {
    images.push_back(image_from_dataset(decoded, i));
  }
  const auto columns = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(images.size()))));
  const auto& shape = decoded.shape();
  write_png(folder / "grid.png", image_grid(images, columns, visible_scale(shape[1], shape[2]), 2));
}

}  // namespace scorefield

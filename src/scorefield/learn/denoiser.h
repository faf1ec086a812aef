// A trained denoiser: the network, what it predicts, and the data it was trained on.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "scorefield/data/form.h"
#include "scorefield/learn/model_file.h"
#include "scorefield/learn/network_field.h"

namespace scorefield {

struct Denoiser {
  Target target;
  /// About which the network sees the data: one value a channel of images, one a coordinate of vectors; data units.
  std::vector<double> centre;
  DataForm data;
  LearntLaw law;
  net::Architecture architecture;
  std::vector<float> weights;
  nlohmann::json training;  // how it was trained, as the run's config has it
  /// Of one with classes: whether some rows were trained without theirs.
  bool takes_no_class = true;
};

/// centre of an image's channels (or of a vector's coordinates), a value a number of the row. [d]
std::vector<double> spread_centre(const std::vector<double>& centre, const DataForm& data);

/// Mean a channel (or coordinate), E[x_0], and the variance of the rows, in data units; and the deviation of a value
/// about the centre, which is Target::sigma_data.
struct CentredLaw {
  std::vector<double> centre;
  double sigma_data = 0;
  LearntLaw law;
};
CentredLaw centred_law(const Dataset& data, const Context& context);

void write_denoiser(const std::filesystem::path& path, const Denoiser& denoiser);

/// Throws Error (with the path) as read_model() does, and for a model of another kind.
Denoiser read_denoiser(const std::filesystem::path& path, const Context& context);

/// The denoiser as a field; it copies what it needs.
std::unique_ptr<const Field> make_field(const Denoiser& denoiser);

}  // namespace scorefield

// What an encoding looks like.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "scorefield/data/dataset.h"
#include "scorefield/data/image.h"
#include "scorefield/field/field.h"
#include "scorefield/run/figure.h"

namespace scorefield {

/// encoding.png. Images: a column a row of data: the row, its latent and its return. Points in the plane: rows and
/// returns beside latents. Nothing for other data.
class EncodingPictures {
 public:
  EncodingPictures(const Dataset& data, const Field& field);

  bool wants_more() const;
  /// returned: empty where there was no way back.
  void add(std::span<const double> input, std::span<const double> latent, std::span<const double> returned);
  void write(const std::filesystem::path& folder) const;

 private:
  const Dataset& data_;
  const Field& field_;
  std::size_t most_;
  std::size_t added_ = 0;
  std::vector<Image> inputs_, latents_, returns_;
  Series input_points_, latent_points_, return_points_;
};

}  // namespace scorefield

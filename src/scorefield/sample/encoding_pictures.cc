#include "scorefield/sample/encoding_pictures.h"

#include <cmath>

#include "scorefield/data/image_grid.h"
#include "scorefield/data/png.h"
#include "scorefield/sample/sampling_pictures.h"

namespace scorefield {
namespace {

constexpr std::size_t kImages = 16;
constexpr std::size_t kPoints = 20000;

void add_point(Series& series, std::span<const double> point) {
  series.x.push_back(point[0]);
  series.y.push_back(point[1]);
}

}  // namespace

EncodingPictures::EncodingPictures(const Dataset& data, const Field& field)
    : data_(data),
      field_(field),
      most_(data.is_picture()       ? kImages
            : data.dimension() == 2 ? kPoints
                                    : 0) {
  input_points_.name = "rows";
  return_points_.name = "returned";
  for (Series* series : {&input_points_, &latent_points_, &return_points_}) series->mark = Mark::kPoints;
}

bool EncodingPictures::wants_more() const {
  return added_ < most_;
}

void EncodingPictures::add(std::span<const double> input, std::span<const double> latent,
                           std::span<const double> returned) {
  ++added_;
  if (!data_.is_picture()) {
    add_point(input_points_, input);
    add_point(latent_points_, latent);
    if (!returned.empty()) add_point(return_points_, returned);
    return;
  }
  const Affine units = image_units(data_);
  inputs_.push_back(image_from_row(input, data_.shape(), units));
  // Unit noise is shown at the centre and the spread of the data.
  const auto mean = field_.mean();
  const double spread = std::sqrt(field_.variance() / static_cast<double>(latent.size()));
  std::vector<double> shown(latent.size());
  for (std::size_t k = 0; k < shown.size(); ++k) shown[k] = mean[k] + spread * latent[k];
  latents_.push_back(image_from_row(shown, data_.shape(), units));
  if (!returned.empty()) returns_.push_back(image_from_row(returned, data_.shape(), units));
}

void EncodingPictures::write(const std::filesystem::path& folder) const {
  if (added_ == 0) return;
  if (data_.is_picture()) {
    std::vector<Image> all = inputs_;
    all.insert(all.end(), latents_.begin(), latents_.end());
    all.insert(all.end(), returns_.begin(), returns_.end());
    const std::size_t scale = visible_scale(data_.shape()[1], data_.shape()[2]);
    write_png(folder / "encoding.png", image_grid(all, inputs_.size(), scale, 2));
    return;
  }
  Panel rows{.title = "Rows and where they returned", .x = {.label = "x1"}, .y = {.label = "x2"}};
  rows.series = {input_points_};
  if (!return_points_.x.empty()) rows.series.push_back(return_points_);
  rows.equal_aspect = true;
  Panel latents{
      .title = "Latents: the state at the first level over its σ", .x = {.label = "z1"}, .y = {.label = "z2"}};
  latents.series = {latent_points_};
  latents.equal_aspect = true;
  write_figure({.panels = {std::move(rows), std::move(latents)}}, folder / "encoding");
}

}  // namespace scorefield

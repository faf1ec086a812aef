#include "scorefield/data/image.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

Image blank_image(std::span<const std::size_t> shape) {
  if (shape.size() != 3 || (shape[0] != 1 && shape[0] != 3)) {
    throw Error(fmt::format("rows of shape [{}] are no pictures: a picture is [1, height, width] or [3, height, width]",
                            fmt::join(shape, ", ")));
  }
  return {shape[1], shape[2], shape[0], std::vector<std::uint8_t>(shape[0] * shape[1] * shape[2])};
}

/// pixel(k) is value k of the [C, H, W] row.
template <class Pixel>
void fill_interleaved(Image& image, const Pixel& pixel) {
  const std::size_t plane = image.height * image.width;
  for (std::size_t k = 0; k < plane; ++k) {
    for (std::size_t c = 0; c < image.channels; ++c) image.pixels[k * image.channels + c] = pixel(c * plane + k);
  }
}

}  // namespace

Image image_from_row(std::span<const double> values, std::span<const std::size_t> shape, Affine units) {
  Image image = blank_image(shape);
  ensure(values.size() == image.pixels.size(), "a row has the length of its shape");
  fill_interleaved(image, [&](std::size_t k) {
    const double stored = units.to_stored(values[k]);
    if (!std::isfinite(stored)) throw Error(fmt::format("a picture of a row whose value {} is not finite", k));
    return static_cast<std::uint8_t>(std::clamp(std::floor(stored + 0.5), 0.0, 255.0));
  });
  return image;
}

Image image_from_dataset(const Dataset& dataset, std::size_t i) {
  if (const auto* bytes = std::get_if<RowsView<const std::uint8_t>>(&dataset.stored())) {
    Image image = blank_image(dataset.shape());
    const auto row = (*bytes)[i];
    fill_interleaved(image, [&](std::size_t k) { return row[k]; });
    return image;
  }
  std::vector<double> values(dataset.dimension());
  dataset.row(i, values);
  return image_from_row(values, dataset.shape());
}

void copy_channel_major(const Image& image, std::span<std::uint8_t> out) {
  const std::size_t plane = image.height * image.width;
  ensure(out.size() == image.pixels.size() || (image.channels == 1 && out.size() == 3 * plane),
         "the copy has the channels of the image, or 3");
  for (std::size_t c = 0; c * plane < out.size(); ++c) {
    const std::size_t source = image.channels == 1 ? 0 : c;
    for (std::size_t k = 0; k < plane; ++k) out[c * plane + k] = image.pixels[k * image.channels + source];
  }
}

}  // namespace scorefield

#include "scorefield/data/image_grid.h"

#include <algorithm>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

/// Copies `image`, enlarged, to the place in `target` whose upper left corner is (top, left).
void place(const Image& image, std::size_t scale, std::size_t top, std::size_t left, Image& target) {
  for (std::size_t y = 0; y < image.height * scale; ++y) {
    for (std::size_t x = 0; x < image.width * scale; ++x) {
      const std::size_t from = ((y / scale) * image.width + x / scale) * image.channels;
      const std::size_t to = ((top + y) * target.width + left + x) * target.channels;
      for (std::size_t c = 0; c < target.channels; ++c) {
        target.pixels[to + c] = image.pixels[from + std::min(c, image.channels - 1)];
      }
    }
  }
}

}  // namespace

Image image_grid(std::span<const Image> images, std::size_t columns, std::size_t scale, std::size_t gap) {
  ensure(!images.empty() && columns > 0 && scale > 0, "a grid has pictures, columns and a scale");
  const std::size_t height = images[0].height;
  const std::size_t width = images[0].width;
  const auto one_size = [&](const Image& image) { return image.height == height && image.width == width; };
  ensure(std::all_of(images.begin(), images.end(), one_size), "the pictures of a grid have one size");
  columns = std::min(columns, images.size());
  const std::size_t rows = (images.size() + columns - 1) / columns;
  const bool grey = std::all_of(images.begin(), images.end(), [](const Image& image) { return image.channels == 1; });

  Image grid{rows * (height * scale + gap) + gap, columns * (width * scale + gap) + gap, grey ? 1U : 3U, {}};
  grid.pixels.assign(grid.height * grid.width * grid.channels, 255);
  for (std::size_t i = 0; i < images.size(); ++i) {
    place(images[i], scale, gap + (i / columns) * (height * scale + gap), gap + (i % columns) * (width * scale + gap),
          grid);
  }
  return grid;
}

std::size_t visible_scale(std::size_t height, std::size_t width) {
  constexpr std::size_t kVisible = 96;
  return std::max<std::size_t>(1, kVisible / std::max<std::size_t>({height, width, 1}));
}

}  // namespace scorefield

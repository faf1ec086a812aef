#include "scorefield/data/resize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

/// One channel of a picture, wherever its pixels lie.
template <class T>
struct Plane {
  T* data;
  std::size_t row_stride;
  std::size_t pixel_stride;

  T& operator()(std::size_t y, std::size_t x) const { return data[y * row_stride + x * pixel_stride]; }
};

/// The central square of a height x width plane.
template <class T>
Plane<T> central_square(Plane<T> plane, std::size_t height, std::size_t width) {
  const std::size_t side = std::min(height, width);
  plane.data += (height - side) / 2 * plane.row_stride + (width - side) / 2 * plane.pixel_stride;
  return plane;
}

/// Calls use(i, overlap) for every old pixel i that new pixel k covers in one direction. In units in which both lengths
/// are whole, an old pixel is [i, i+1) * to and a new one [k, k+1) * from; the overlaps add up to `from`.
template <class Use>
void for_covered(std::size_t k, std::size_t from, std::size_t to, const Use& use) {
  for (std::size_t i = k * from / to; i * to < (k + 1) * from; ++i) {
    use(i, std::min((i + 1) * to, (k + 1) * from) - std::max(i * to, k * from));
  }
}

template <class T>
void average(Plane<const T> in, std::size_t from, Plane<T> out, std::size_t to) {
  ensure(from > 0, "an image that is resized has pixels");
  using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  const Sum total = static_cast<Sum>(from) * static_cast<Sum>(from);
  std::vector<Sum> columns(from);
  for (std::size_t y = 0; y < to; ++y) {
    std::fill(columns.begin(), columns.end(), Sum{});
    for_covered(y, from, to, [&](std::size_t i, std::size_t overlap) {
      for (std::size_t x = 0; x < from; ++x) columns[x] += static_cast<Sum>(overlap) * static_cast<Sum>(in(i, x));
    });
    for (std::size_t x = 0; x < to; ++x) {
      Sum sum{};
      for_covered(x, from, to,
                  [&](std::size_t i, std::size_t overlap) { sum += static_cast<Sum>(overlap) * columns[i]; });
      if constexpr (std::is_integral_v<T>) {
        out(y, x) = static_cast<T>((2 * sum + total) / (2 * total));
      } else {
        out(y, x) = static_cast<T>(sum / total);
      }
    }
  }
}

template <class T>
Dataset resize_rows(const Dataset& dataset, RowsView<const T> rows, std::size_t resolution, const Context& context) {
  const std::size_t channels = dataset.shape()[0];
  const std::size_t height = dataset.shape()[1];
  const std::size_t width = dataset.shape()[2];
  const std::size_t area = resolution * resolution;  // fits: see check_resolution()
  context.check_memory(rows.rows * channels, area * sizeof(T), dataset.name());
  std::vector<T> values(rows.rows * channels * area);
  run_tasks(context.pool, rows.rows, [&](std::size_t i, int) {
    context.check_cancelled();
    for (std::size_t c = 0; c < channels; ++c) {
      const Plane<const T> in{rows[i].data() + c * height * width, width, 1};
      const Plane<T> out{values.data() + (i * channels + c) * area, resolution, 1};
      average(central_square(in, height, width), std::min(height, width), out, resolution);
    }
  });
  Dataset resized =
      make_dataset(dataset.name(), std::move(values), {channels, resolution, resolution}, dataset.affine(),
                   {dataset.labels().begin(), dataset.labels().end()}, dataset.label_names());
  for (const std::string& note : dataset.notes()) resized = resized.with_note(note);
  return resized.with_note(resize_note(resolution));
}

}  // namespace

void check_resolution(std::size_t resolution) {
  constexpr std::size_t kMost = 65535;
  if (resolution == 0) throw Error("--resolution 0 leaves no pixels");
  if (resolution > kMost) throw Error(fmt::format("--resolution {}: the largest is {}", resolution, kMost));
}

Image resize_image(const Image& image, std::size_t resolution, const Context& context) {
  check_resolution(resolution);
  const std::size_t channels = image.channels;
  context.check_memory(resolution * resolution * channels, fmt::format("an image of {0} x {0}", resolution));
  Image resized{resolution, resolution, channels, std::vector<std::uint8_t>(resolution * resolution * channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    const Plane<const std::uint8_t> in{image.pixels.data() + c, image.width * channels, channels};
    const Plane<std::uint8_t> out{resized.pixels.data() + c, resolution * channels, channels};
    average(central_square(in, image.height, image.width), std::min(image.height, image.width), out, resolution);
  }
  return resized;
}

Dataset resize_images(const Dataset& dataset, std::size_t resolution, const Context& context) {
  check_resolution(resolution);
  if (!dataset.is_image()) {
    throw Error(fmt::format("{}: --resolution is for images, and its rows have the shape [{}]", dataset.name(),
                            fmt::join(dataset.shape(), ", ")));
  }
  if (dataset.shape()[1] == resolution && dataset.shape()[2] == resolution) return dataset;
  return std::visit([&](const auto& rows) { return resize_rows(dataset, rows, resolution, context); },
                    dataset.stored());
}

std::string resize_note(std::size_t resolution) {
  return fmt::format("images cropped to their central square and averaged by area to {0} x {0}", resolution);
}

}  // namespace scorefield

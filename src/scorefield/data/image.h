// An 8-bit picture in memory, and its way from and to the rows of a data set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/data/dataset.h"

namespace scorefield {

/// Rows from top to bottom, channels interleaved: [H, W, C], C = 1 (grey) or 3 (RGB).
struct Image {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 0;
  std::vector<std::uint8_t> pixels;

  bool operator==(const Image&) const = default;
};

/// What a decoder did besides decoding; a data set declares it in its notes.
struct ImageChanges {
  bool alpha_dropped = false;   // some pixel was not opaque
  bool bits_reduced = false;    // 16 bits a sample became 8
  bool cmyk_converted = false;  // CMYK became RGB
  bool turned = false;          // as its EXIF orientation says
};

struct DecodedImage {
  Image image;
  ImageChanges changes;
};

/// values: one row in data units, [C, H, W] = shape. Each becomes floor(units.to_stored(value) + 1/2), clipped to
/// [0, 255]; with kImageUnits that is x*127.5 + 128 truncated, as EDM writes its samples.
/// Throws Error when the shape is no grey or RGB image or a value is not finite.
Image image_from_row(std::span<const double> values, std::span<const std::size_t> shape, Affine units = kImageUnits);

/// Row i of a data set of images; u8 rows as they are stored, others by image_from_row with kImageUnits.
Image image_from_dataset(const Dataset& dataset, std::size_t i);

/// The same pixels as [C, H, W]. out: image.pixels.size() values, or three times as many when a grey image becomes RGB.
void copy_channel_major(const Image& image, std::span<std::uint8_t> out);

}  // namespace scorefield

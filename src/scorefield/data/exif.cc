#include "scorefield/data/exif.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/data/blob.h"

namespace scorefield {
namespace {

/// TIFF data in either byte order; reading beyond its end gives 0.
class Tiff {
 public:
  explicit Tiff(std::span<const std::byte> bytes) : bytes_(bytes), big_endian_(begins_with(bytes, "MM")) {}

  bool valid() const { return (big_endian_ || begins_with(bytes_, "II")) && load<std::uint16_t>(2) == 42; }

  template <class T>
  T load(std::size_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return 0;
    return big_endian_ ? load_big_endian<T>(bytes_, offset) : load_little_endian<T>(bytes_, offset);
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> app1) {
  constexpr std::string_view kSignature("Exif\0\0", 6);
  if (!begins_with(app1, kSignature)) return 1;
  const Tiff tiff(app1.subspan(kSignature.size()));
  if (!tiff.valid()) return 1;
  const std::size_t directory = tiff.load<std::uint32_t>(4);
  const std::size_t entries = tiff.load<std::uint16_t>(directory);
  for (std::size_t k = 0; k < entries; ++k) {
    constexpr std::uint16_t kOrientation = 0x0112;
    constexpr std::uint16_t kShort = 3;
    const std::size_t entry = directory + 2 + 12 * k;
    if (tiff.load<std::uint16_t>(entry) != kOrientation) continue;
    const int value = tiff.load<std::uint16_t>(entry + 8);
    return tiff.load<std::uint16_t>(entry + 2) == kShort && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

Image upright(const Image& image, int orientation) {
  ensure(orientation >= 1 && orientation <= 8, "an orientation is 1 to 8");
  const bool swaps_axes = orientation >= 5;
  Image turned{image.height, image.width, image.channels, {}};
  if (swaps_axes) std::swap(turned.height, turned.width);
  turned.pixels.reserve(image.pixels.size());
  for (std::size_t y = 0; y < turned.height; ++y) {
    for (std::size_t x = 0; x < turned.width; ++x) {
      std::size_t from_y = swaps_axes ? x : y;
      std::size_t from_x = swaps_axes ? y : x;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {
        from_y = image.height - 1 - from_y;
      }
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) {
        from_x = image.width - 1 - from_x;
      }
      const auto pixel =
          image.pixels.begin() + static_cast<std::ptrdiff_t>((from_y * image.width + from_x) * image.channels);
      turned.pixels.insert(turned.pixels.end(), pixel, pixel + static_cast<std::ptrdiff_t>(image.channels));
    }
  }
  return turned;
}

}  // namespace scorefield

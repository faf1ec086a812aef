// The one thing in EXIF that changes a picture: how the camera was held.
#pragma once

#include <cstddef>
#include <span>

#include "scorefield/data/image.h"

namespace scorefield {

/// The orientation (1 to 8, EXIF 2.32 section 4.6.4) in the content of a JPEG's APP1 marker; 1, upright, when there is
/// none or the EXIF data is damaged.
int exif_orientation(std::span<const std::byte> app1);

/// The picture as it is to be seen: mirrored, turned, or both. orientation: 1 to 8.
Image upright(const Image& image, int orientation);

}  // namespace scorefield

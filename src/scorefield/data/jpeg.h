// JPEG through libjpeg.
#pragma once

#include <cstddef>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/image.h"

namespace scorefield {

/// Whether the bytes begin as every JPEG file does.
bool looks_like_jpeg(std::span<const std::byte> bytes);

/// Grey stays grey, YCbCr becomes RGB; CMYK and YCCK become RGB by R = C K / 255 and so on, C and K as Adobe stores
/// them (255 is no ink) and as Pillow converts them, without a colour profile. The EXIF orientation is applied. Throws
/// Error when the bytes are no whole, undamaged JPEG, or the picture is over the memory limit.
DecodedImage read_jpeg(const Blob& file, const Context& context);

}  // namespace scorefield

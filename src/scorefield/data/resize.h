// Images to one square size: what --resolution does.
#pragma once

#include <cstddef>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/data/image.h"

namespace scorefield {

/// The central square (its side the shorter of the two, an odd remainder left over at the bottom or right), then the
/// mean over the area that each new pixel covers, fractions of pixels included. u8: exact, halves rounded up.
/// The way up is allowed; it repeats pixels. Throws Error when the resolution is out of range or memory over the limit.
Image resize_image(const Image& image, std::size_t resolution, const Context& context);

/// The same for every row; real values are averaged in double. A data set that already has this size comes back as it
/// is, otherwise the notes say what was done. Throws Error when the resolution is out of range, the rows are no images,
/// or memory is over the limit.
Dataset resize_images(const Dataset& dataset, std::size_t resolution, const Context& context);

/// Throws Error when the resolution is 0 or over 65535: more pixels a side than a JPEG can have.
void check_resolution(std::size_t resolution);

/// The note that declares it.
std::string resize_note(std::size_t resolution);

}  // namespace scorefield

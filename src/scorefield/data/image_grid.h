// Many small pictures in one.
#pragma once

#include <cstddef>
#include <span>

#include "scorefield/data/image.h"

namespace scorefield {

/// Pictures of one size, `columns` beside each other, row after row. Each pixel becomes scale x scale equal pixels;
/// `gap` white pixels stand between pictures and around them, and white fills the last row. Grey when all are grey.
Image image_grid(std::span<const Image> images, std::size_t columns, std::size_t scale, std::size_t gap);

/// The whole-number scale at which a picture of this size can be looked at: 28 x 28 is shown three times as large,
/// anything from 49 pixels on as it is.
std::size_t visible_scale(std::size_t height, std::size_t width);

}  // namespace scorefield

// NumPy's .npy format (numpy.lib.format, versions 1 to 3).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "scorefield/data/array.h"

namespace scorefield {

bool looks_like_npy(std::span<const std::byte> bytes);

/// The array in an .npy file: integers and floats of 8 to 64 bits, either byte order, C or Fortran order. Bytes are
/// shared, not copied, when they are little-endian, in C order and aligned.
/// Throws Error (file and place) on everything else: other types (bool, complex, text, objects), lying sizes.
Array read_npy_array(const Blob& file, const Context& context);

}  // namespace scorefield

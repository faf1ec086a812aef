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

/// The bytes before the values of an array in C order: format version 1, spaces up to a multiple of 64 when the array
/// is written from `file_offset` of its file on.
std::string npy_header(ScalarType type, std::span<const std::size_t> shape, std::size_t file_offset = 0);

/// Throws Error when the file cannot be written; nothing is left of it then.
void write_npy(const std::filesystem::path& path, ScalarType type, std::span<const std::size_t> shape,
               std::span<const std::byte> values);
template <class T>
void write_npy(const std::filesystem::path& path, std::span<const std::size_t> shape, std::span<const T> values) {
  write_npy(path, scalar_type_of<T>(), shape, std::as_bytes(values));
}

}  // namespace scorefield

// PNG through libpng.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/image.h"

namespace scorefield {

/// Whether the bytes begin as every PNG file does.
bool looks_like_png(std::span<const std::byte> bytes);

/// Grey stays grey and palettes become RGB; 1, 2 and 4 bits are stretched to 0..255, 16 bits rounded to
/// round(v * 255 / 65535); alpha is dropped and the colours under it kept. Gamma, colour profiles and eXIf are ignored.
/// Throws Error when the bytes are no whole PNG, or the picture is over the memory limit.
DecodedImage read_png(const Blob& file, const Context& context);

/// The same bytes for the same image.
std::vector<std::byte> encode_png(const Image& image);

/// Throws Error when the file cannot be written; then nothing is left behind.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace scorefield

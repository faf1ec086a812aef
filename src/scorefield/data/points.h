// Point clouds as text: one point a line.
#pragma once

#include <span>
#include <string_view>

#include "scorefield/base/context.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// True when the first bytes are printable text.
bool looks_like_text(std::span<const std::byte> bytes);

/// Numbers separated by commas, semicolons, tabs or spaces (the first of these that the first line has); '#' begins a
/// comment; empty lines are skipped. A first line without a number names the columns; the column `label` holds whole
/// numbers, one class a row. Values are kept as float64, in their own units.
/// Throws Error (file and line) on lines of differing length, on what is no finite number, and when there is no point.
Dataset read_points(const Blob& file, const Context& context);

}  // namespace scorefield

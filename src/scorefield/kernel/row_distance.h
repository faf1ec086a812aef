// Distances from a point to a stored row, in the form that keeps all digits, and the place that rows lie about.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "scorefield/base/stored_rows.h"

namespace scorefield {

/// |x - row i|^2: differences first, squares second, summed in order. x: [d], data units.
double squared_distance(const StoredRows& rows, const Affine& affine, std::size_t i, std::span<const double> x);

/// The mean of some rows and their rms distance from it, stored units: near enough to centre on.
std::pair<std::vector<double>, double> rough_centre(const StoredRows& rows);

}  // namespace scorefield

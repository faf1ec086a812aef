// What every question about noisy states has to be like.
#pragma once

#include <cstddef>
#include <span>

#include "scorefield/base/rows.h"

namespace scorefield {

/// States [B, dimension], sigma and labels as Field::ask() takes them; labels run from 0 to classes - 1. Throws Error
/// for shapes, ranges, values that are not finite, and unknown labels.
void check_states(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                  std::size_t dimension, std::size_t classes);

}  // namespace scorefield

// Colours that stay apart for colour-blind eyes and in print.
#pragma once

#include <cstddef>

#include "scorefield/run/figure.h"
#include "scorefield/run/paint.h"

namespace scorefield {

/// Of text.
inline constexpr Color kInk{0.13, 0.13, 0.15, 1};

/// The colour of a panel's series: as it asks, or the next of ten (Okabe and Ito 2008, Tol 2021).
Color series_color(const Panel& panel, std::size_t index);

/// The colour map viridis (Smith and van der Walt 2015), 0 dark to 1 bright; clamped.
Color viridis(double share);

}  // namespace scorefield

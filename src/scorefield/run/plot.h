// Draws one panel of a figure.
#pragma once

#include "scorefield/run/figure.h"
#include "scorefield/run/paint.h"

namespace scorefield {

/// Everything of the panel, its title and labels included, inside `cell`.
void draw_panel(Paint& paint, const Panel& panel, const Box& cell);

}  // namespace scorefield

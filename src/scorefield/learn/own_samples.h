// Rows that a field makes itself: they stand in for data where there are none.
#pragma once

#include <cstddef>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/field/field.h"
#include "scorefield/learn/declaration.h"

namespace scorefield {

/// 18 Heun steps of EDM's schedule (Karras et al. 2022) between the noise levels that the network has, at most from 80
/// to 0.002; seeds 0, 1, ... label: -1, or a class. [count, d], data units.
Rows own_samples(const Field& field, const SigmaRange& range, std::size_t count, int label, const Context& context);

}  // namespace scorefield

// The least that a model must beat: a Gaussian with the mean and covariance of the data.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/metrics/feature_map.h"

namespace scorefield {

/// From the smallest to the largest value of the data set, over all rows and coordinates.
ValueRange value_range(const Dataset& data, const Context& context);

/// `count` draws from the Gaussian with the mean and the covariance of `data` (of all rows, or as many as 2e11
/// multiply-adds pay for, drawn at random), each value clipped to value_range(): float64 rows of its shape, data units.
/// Draw i is a function of (seed, i) and the data.
Dataset gaussian_baseline(const Dataset& data, std::size_t count, std::uint64_t seed, const Context& context);

}  // namespace scorefield

// The naive posterior in double: what every faster form is held against. One query, one row at a time, two passes,
// difference form |x - y|^2.
#pragma once

#include <cstdint>
#include <span>

#include "scorefield/base/stored_rows.h"
#include "scorefield/kernel/answer.h"

namespace scorefield {

/// As PosteriorKernel::evaluate. 1e-12 relative for D and log p, 1e-12 absolute for entropy and covariance.
Answer posterior_reference(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
                           RowsView<const double> x, std::span<const double> sigma,
                           std::span<const std::uint32_t> subset, const Request& request);

}  // namespace scorefield

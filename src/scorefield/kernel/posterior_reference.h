// The naive posterior: what every faster form is held against. One query, one row at a time, two passes, difference
// form |x - y|^2, extended precision inside.
#pragma once

#include <cstdint>
#include <span>

#include "scorefield/base/stored_rows.h"
#include "scorefield/kernel/answer.h"

namespace scorefield {

/// As PosteriorKernel::evaluate; the rows are those that read_row() gives. Within 1e-12 relative for log p, 1e-12 |D_k|
/// + 2^-53 for each D_k (units of the largest row value), 1e-12 absolute for entropy and covariance (units of R^2).
/// The score (D - x) / sigma^2 inherits the rounding of D to double, |D| 2^-53 / sigma^2.
/// Throws Error when every row of the subset has weight 0.
Answer posterior_reference(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
                           RowsView<const double> x, std::span<const double> sigma,
                           std::span<const std::uint32_t> subset, const Request& request);

}  // namespace scorefield

// The posterior in double, blocked, vectorised and threaded: the precise mode of PosteriorKernel.
#pragma once

#include <cstdint>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/base/stored_rows.h"
#include "scorefield/kernel/answer.h"

namespace scorefield {

/// As posterior_reference() and as exact. The answer for a query depends neither on the batch nor on the number of
/// threads. Scratch: at most 48 MiB up to d = 12288 (without top_k), whatever the number of rows and queries.
/// Throws Error when every row of the subset has weight 0, and for memory over the limit.
Answer posterior_precise(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
                         RowsView<const double> x, std::span<const double> sigma, std::span<const std::uint32_t> subset,
                         const Request& request, const Context& context);

}  // namespace scorefield

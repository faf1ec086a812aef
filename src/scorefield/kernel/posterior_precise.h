// The posterior in double, blocked, vectorised and threaded: the precise mode of PosteriorKernel.
#pragma once

#include <cstdint>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/base/stored_rows.h"
#include "scorefield/kernel/answer.h"

namespace scorefield {

/// As posterior_reference() and as exact. The answer for a query depends neither on the batch nor on the number of
/// threads. Scratch, whatever the number of rows and queries: 16 MiB and 1 MiB a thread up to d = 16384, in proportion
/// to d beyond; top_k takes 128 KiB a row more. Throws Error when every row of the subset has weight 0, for a state so
/// far off that squared distances overflow, and for memory over the limit.
Answer posterior_precise(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
                         RowsView<const double> x, std::span<const double> sigma, std::span<const std::uint32_t> subset,
                         const Request& request, const Context& context);

}  // namespace scorefield

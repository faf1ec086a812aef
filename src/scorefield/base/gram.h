// Sums of products: the hot loop under covariances and Gram matrices.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"

namespace scorefield {

/// sum over o of x_o x_o^T for `observations` vectors x_o of length `variables`, in f64: [variables, variables],
/// symmetric. `read(o, out)` writes x_o; it is called once for each o, from several threads. The same bits for every
/// number of threads (not on every instruction set). Throws Error when the matrix is over the memory limit.
Rows gram_matrix(std::size_t observations, std::size_t variables,
                 const std::function<void(std::size_t observation, std::span<double> out)>& read,
                 const Context& context);

}  // namespace scorefield

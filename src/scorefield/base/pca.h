// Principal components of stored rows.
#pragma once

#include <cstddef>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/base/stored_rows.h"

namespace scorefield {

/// Of the N rows themselves: covariances are divided by N. Data units.
struct PrincipalComponents {
  std::vector<double> mean;       // [d]
  double total_variance = 0;      // trace of the covariance
  std::vector<double> variances;  // [k], falling
  Rows vectors;                   // [k, d], one unit vector a row, signs as largest_eigenpairs gives them
};

/// The `components` leading ones, at most min(N, d). From the covariance matrix (N d^2 / 2 products in f64), or from
/// the Gram matrix where N < d; a direction without variance has a zero vector there. The same bits for every number of
/// threads. Throws Error for more components than min(N, d), values that are not finite, and matrices over the memory
/// limit.
PrincipalComponents principal_components(const StoredRows& rows, const Affine& affine, std::size_t components,
                                         const Context& context);

}  // namespace scorefield

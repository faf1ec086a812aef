// Eigenvalues and eigenvectors of symmetric matrices.
#pragma once

#include <cstddef>
#include <vector>

#include "scorefield/base/rows.h"

namespace scorefield {

struct Eigenpairs {
  std::vector<double> values;  // [k], falling
  Rows vectors;                // [k, n], one unit vector a row; its largest entry (the first of equals) is positive
};

/// The `count` largest eigenvalues (not by magnitude) of a symmetric matrix [n, n] and their vectors; only the lower
/// triangle is read. All of them by QR where n is small or many are wanted, else by restarted Lanczos (Spectra) to a
/// relative residual of 1e-12. Throws Error when count > n or a value is not finite.
Eigenpairs largest_eigenpairs(const Rows& matrix, std::size_t count);

}  // namespace scorefield

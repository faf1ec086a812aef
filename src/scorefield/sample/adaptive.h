// The probability-flow ODE solved to a tolerance, with an estimate of the error that is left: the reference for solvers
// with fixed steps.
#pragma once

#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/field/field.h"

namespace scorefield {

struct ReferencePath {
  std::vector<double> levels;  // sigma
  std::vector<Rows> x;         // [B, d] a level, VE frame, data units
  /// [L, B]: the largest difference over the values of a sample to the solution at a tenth of the tolerance. x is that
  /// tighter solution, so its own error is about a tenth of this in a smooth field. Where the field has kinks or is
  /// rounded (a network), the tolerance is no measure, and it may be as large.
  Rows error;
  std::vector<double> last_distance;     // [B], of the two at the last level, L2
  std::vector<std::size_t> evaluations;  // of the field, a sample, both solutions together
};

/// From x at levels.front() through all of them (strictly descending or ascending, finite and above 0) with rk45, whose
/// steps do not end at the levels: its dense output (of order 4 where the steps are of order 5) gives the states there.
/// tolerance in [1e-13, 1): both rtol and, in data units, atol. labels as Field::ask has them. Throws Error for levels
/// or a tolerance out of range, and where the field is too rough for it (a field in single precision: below 1e-6).
ReferencePath solve_reference(const Field& field, RowsView<const double> x, std::span<const double> levels,
                              std::span<const int> labels, double tolerance, const Context& context);

}  // namespace scorefield

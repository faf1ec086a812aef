// The inner loops of the precise posterior, in double: vectorised, instruction set chosen at run time.
#pragma once

#include <cstddef>
#include <span>

#include "scorefield/base/rows.h"

namespace scorefield {

/// Rows handed to these loops are padded with zeros to a multiple of this many values, one vector of the widest set.
inline constexpr std::size_t kRowPadding = 8;

/// out[j * x.rows + i] = |x_i - y_j|^2; x: [B, d], y: [n, d], d padded. A pair's value does not depend on the other
/// pairs. Squares are summed in double in runs of 16 a lane, the runs folded without loss: with u = 2^-53 the relative
/// error is at most 19 u, and about 4 u / sqrt(d) where roundings are independent.
void squared_distances(RowsView<const double> x, RowsView<const double> y, std::span<long double> out);

/// sum += sum_j weights[j] y_(rows[j]), in this order. y: [n, d], sum: [d], d padded.
void add_weighted_rows(RowsView<const double> y, std::span<const std::size_t> rows, std::span<const double> weights,
                       std::span<double> sum);

/// to = to * to_scale + from * from_scale.
void fold_scaled(std::span<double> to, double to_scale, std::span<const double> from, double from_scale);

struct DifferenceTerms {
  double square;  // |y - centre|^2
  double dot;     // (y - centre) . v
};

/// All [d], padded.
DifferenceTerms difference_terms(std::span<const double> y, std::span<const double> centre, std::span<const double> v);

/// sum += scale * (y - centre). All [d], padded.
void add_scaled_difference(double scale, std::span<const double> y, std::span<const double> centre,
                           std::span<double> sum);

}  // namespace scorefield

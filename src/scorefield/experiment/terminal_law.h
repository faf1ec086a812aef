// Where the reverse Ornstein-Uhlenbeck process of a finite data set ends (docs/theory/reverse-process.md, 4).
#pragma once

#include <span>
#include <vector>

namespace scorefield {

/// Points on a line with equal weights; the process starts from N(0, 1) at time T > 0 in its own coordinates. The
/// weight of each point at its end: int N(y; 0, 1) P(X_0 = x_i | X_T = y) dy, by quadrature, to 1e-12.
std::vector<double> terminal_weights(std::span<const double> points, double start);

}  // namespace scorefield

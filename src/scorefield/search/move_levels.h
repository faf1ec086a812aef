// Moving the levels of a schedule until its error is least.
#pragma once

#include <functional>
#include <vector>

namespace scorefield {

struct MoveOptions {
  /// A level moves by this share of the way, in log sigma, to its neighbour: halved each time that nothing gets better,
  /// down to last_move.
  double first_move = 0.4;
  double last_move = 0.02;
  /// A round of moves that gains less than this share of the error ends its move size.
  double least_gain = 1e-3;
  /// No level above 0 moves below this.
  double least_sigma = 0;
};

struct MovedLevels {
  std::vector<double> levels;
  double error = 0;
  std::size_t trials = 0;  // calls of `error`
};

/// Hooke and Jeeves' pattern search (1961) over the levels between the first and the last; where the last is 0, the one
/// before it moves too. A level stays between its neighbours, so what is tried always descends. Levels have six
/// significant digits, so that what is printed is what was tried. Never worse than the start.
MovedLevels move_levels(std::vector<double> start, const std::function<double(const std::vector<double>&)>& error,
                        const MoveOptions& options);

/// To six significant digits.
double rounded_level(double sigma);

}  // namespace scorefield

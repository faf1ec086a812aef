// Where an axis carries marks and numbers.
#pragma once

#include <string>
#include <vector>

#include "scorefield/run/figure.h"

namespace scorefield {

struct Tick {
  double value = 0;
  /// Empty: a minor tick.
  std::string text;
  /// Raised behind the text (10^3).
  std::string exponent;
};

struct Ticks {
  std::vector<Tick> marks;
  /// The numbers are to be multiplied by 10^power.
  int power = 0;
};

/// Marks for [low, high], low < high (both positive on a log scale), with about `most` numbers at most: multiples of 1,
/// 2 or 5 on a linear scale, decades on a log scale, or 1-2-5 where fewer than two decades show.
Ticks choose_ticks(double low, double high, Scale scale, int most);

}  // namespace scorefield

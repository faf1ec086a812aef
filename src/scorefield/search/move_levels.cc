#include "scorefield/search/move_levels.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string>

namespace scorefield {
namespace {

class PatternSearch {
 public:
  PatternSearch(std::vector<double> start, const std::function<double(const std::vector<double>&)>& error,
                const MoveOptions& options)
      : error_(error), options_(options) {
    best_.levels = std::move(start);
    best_.error = error_(best_.levels);
    best_.trials = 1;
  }

  MovedLevels run() {
    for (double move = options_.first_move; move >= options_.last_move; move /= 2) {
      while (true) {
        const MovedLevels before = best_;
        for (std::size_t k = 1; k + 1 < best_.levels.size(); ++k) {
          // The other way only when the first did not help.
          if (!accept(moved(k, move))) accept(moved(k, -move));
        }
        if (best_.levels != before.levels) accept(extrapolated(before.levels));
        if (!(best_.error < before.error * (1 - options_.least_gain))) break;
      }
    }
    return best_;
  }

 private:
  /// Level k a share of the way up to its neighbour, or down for a negative share.
  std::vector<double> moved(std::size_t k, double share) const {
    std::vector<double> levels = best_.levels;
    // 0 is no neighbour in log sigma: there the way down is as long as that up.
    const double up = std::log(levels[k - 1] / levels[k]);
    const double down = levels[k + 1] > 0 ? std::log(levels[k] / levels[k + 1]) : up;
    levels[k] = rounded_level(levels[k] * std::exp(share * (share > 0 ? up : down)));
    return levels;
  }

  /// The round's moves once more, all at once.
  std::vector<double> extrapolated(const std::vector<double>& before) const {
    std::vector<double> levels = best_.levels;
    for (std::size_t k = 1; k + 1 < levels.size(); ++k) levels[k] = rounded_level(levels[k] * levels[k] / before[k]);
    return levels;
  }

  bool accept(std::vector<double> levels) {
    for (std::size_t k = 1; k < levels.size(); ++k) {
      if (!(levels[k] < levels[k - 1])) return false;
      if (levels[k] > 0 && levels[k] < options_.least_sigma) return false;
    }
    const double error = error_(levels);
    ++best_.trials;
    if (!(error < best_.error)) return false;
    best_.levels = std::move(levels);
    best_.error = error;
    return true;
  }

  const std::function<double(const std::vector<double>&)>& error_;
  const MoveOptions& options_;
  MovedLevels best_;
};

}  // namespace

double rounded_level(double sigma) {
  // Through the text: the double that is nearest to the digits, and so prints as them.
  const std::string digits = fmt::format("{:.5e}", sigma);
  std::from_chars(digits.data(), digits.data() + digits.size(), sigma);
  return sigma;
}

MovedLevels move_levels(std::vector<double> start, const std::function<double(const std::vector<double>&)>& error,
                        const MoveOptions& options) {
  return PatternSearch(std::move(start), error, options).run();
}

}  // namespace scorefield

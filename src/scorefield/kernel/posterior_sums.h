// What some of the rows add up to for one state, and how such parts are put together.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace scorefield {

inline constexpr long double kMinusInfinity = -std::numeric_limits<long double>::infinity();

/// Sorts heaviest first; ties: the lower row first.
struct Ranked {
  long double logit;
  std::uint32_t row;
  bool operator<(const Ranked& other) const { return logit != other.logit ? logit > other.logit : row < other.row; }
};

/// The k heaviest of the rows that were offered, and fewer than k others, in any order. Rows come in ascending order.
class Heaviest {
 public:
  void offer(Ranked candidate, std::size_t k) {
    if (kept_.size() >= k && candidate.logit <= cutoff_) return;
    kept_.push_back(candidate);
    if (kept_.size() < 2 * k) return;
    std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(k - 1), kept_.end());
    kept_.resize(k);
    cutoff_ = kept_.back().logit;
  }
  const std::vector<Ranked>& kept() const { return kept_; }

 private:
  std::vector<Ranked> kept_;
  long double cutoff_ = kMinusInfinity;  // the k-th heaviest when last sorted out
};

/// Sums over some rows of e^a, a = logit - top: the term 1 of the top row itself is kept apart, so that a posterior on
/// one row loses no digits.
struct WeightSums {
  long double top = kMinusInfinity;
  double rest = 0;     // sum e^a, without the top row
  double moment = 0;   // sum a e^a
  double squares = 0;  // sum e^2a, without the top row

  /// Returns e^a.
  double add(double a) {
    const double e = std::exp(a);
    rest += e;
    moment += a * e;
    squares += e * e;
    return e;
  }

  /// Takes in the sums of other rows; returns the factors that bring weighted sums of both to the new top.
  std::pair<double, double> fold(WeightSums other) {
    const bool swapped = other.top > top;
    if (swapped) std::swap(*this, other);
    double factor = 0;
    if (other.top > kMinusInfinity) {
      const double a = static_cast<double>(other.top - top);
      factor = std::exp(a);
      rest += factor * (1 + other.rest);
      moment += factor * (other.moment + (a == -std::numeric_limits<double>::infinity() ? 0 : a) * (1 + other.rest));
      squares += factor * factor * (1 + other.squares);
    }
    return swapped ? std::pair{factor, 1.0} : std::pair{1.0, factor};
  }
};

}  // namespace scorefield

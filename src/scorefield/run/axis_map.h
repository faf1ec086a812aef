// From values to pixels along one axis.
#pragma once

#include <cmath>
#include <vector>

#include "scorefield/run/figure.h"

namespace scorefield {

/// The smallest and largest of the values that an axis can show.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value, Scale scale) {
    // Beyond 1e300 a range would overflow.
    if (!(std::abs(value) < 1e300) || (scale == Scale::kLog && value <= 0)) return;
    low = std::fmin(low, value);
    high = std::fmax(high, value);
  }
};

class AxisMap {
 public:
  /// Ends as the axis states them, else the extent of the data, widened by `margin` of its length.
  AxisMap(const Axis& axis, const Extent& data, double margin);

  double low() const { return low_; }
  double high() const { return high_; }
  Scale scale() const { return scale_; }
  bool shows(double value) const { return std::isfinite(value) && (scale_ == Scale::kLinear || value > 0); }
  /// Lays low() at pixel `start` and high() at `end`, or the other way round on a reversed axis.
  void lay(double start, double end);
  /// Widens the range about its middle.
  void widen(double factor);
  double operator()(double value) const { return start_ + (end_ - start_) * share(value); }
  /// 0 at low(), 1 at high().
  double share(double value) const;

 private:
  Scale scale_;
  bool reversed_;
  double low_;
  double high_;
  double start_ = 0;
  double end_ = 1;
};

}  // namespace scorefield

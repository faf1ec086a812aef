#include "scorefield/run/axis_map.h"

#include <utility>

#include "scorefield/base/error.h"

namespace scorefield {

AxisMap::AxisMap(const Axis& axis, const Extent& data, double margin)
    : scale_(axis.scale), reversed_(axis.reversed), low_(data.low), high_(data.high) {
  const bool log = scale_ == Scale::kLog;
  if (!(low_ <= high_)) {  // nothing to show
    low_ = log ? 0.1 : 0;
    high_ = 1;
  }
  if (low_ == high_) {
    const double half = low_ == 0 ? 1 : std::abs(low_) / 2;
    low_ = log ? low_ / 2 : low_ - half;
    high_ = log ? high_ * 2 : high_ + half;
  } else if (log) {
    const double factor = std::pow(high_ / low_, margin);
    low_ /= factor;
    high_ *= factor;
  } else {
    const double pad = (high_ - low_) * margin;
    low_ -= pad;
    high_ += pad;
  }
  if (std::isfinite(axis.low)) low_ = axis.low;
  if (std::isfinite(axis.high)) high_ = axis.high;
  ensure(low_ < high_ && (!log || low_ > 0), "an axis runs from low to high, above 0 on a log scale");
}

void AxisMap::lay(double start, double end) {
  start_ = start;
  end_ = end;
  if (reversed_) std::swap(start_, end_);
}

void AxisMap::widen(double factor) {
  const double middle = (low_ + high_) / 2;
  const double half = (high_ - low_) / 2 * factor;
  low_ = middle - half;
  high_ = middle + half;
}

double AxisMap::share(double value) const {
  if (scale_ == Scale::kLog) return std::log(value / low_) / std::log(high_ / low_);
  return (value - low_) / (high_ - low_);
}

}  // namespace scorefield

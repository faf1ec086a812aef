// The ink of a panel's series: lines, points, bars, error bars and bands.
#pragma once

#include <vector>

#include "scorefield/run/axis_map.h"
#include "scorefield/run/figure.h"
#include "scorefield/run/paint.h"

namespace scorefield {

/// How bars share an axis.
struct BarLayout {
  std::size_t groups = 0;  // bar series side by side
  double slot = 1;         // between two centres

  explicit BarLayout(const Panel& panel);
};

/// Refers to the panel and the maps it was made with; the maps are laid over `area`.
class Marks {
 public:
  Marks(const Panel& panel, const AxisMap& x, const AxisMap& y, const Box& area)
      : panel_(panel), x_(x), y_(y), area_(area), bars_(panel) {}

  void draw(Paint& paint) const;
  /// Where ink will be, in steps of a few pixels.
  std::vector<Pixel> ink() const;

 private:
  bool shows(double x, double y) const { return x_.shows(x) && y_.shows(y); }
  /// Values that a log axis cannot show lie below the panel.
  double y_pixel(double y) const { return y_.shows(y) ? y_(y) : area_.bottom() + 10; }
  std::vector<std::vector<Pixel>> runs(const Series& series) const;
  Box bar(const Series& series, std::size_t i, std::size_t group) const;
  void draw_band(Paint& paint, const Series& series, Color color) const;
  void draw_error_bar(Paint& paint, double x_pixel, double y, double error, const Color& color) const;

  const Panel& panel_;
  const AxisMap& x_;
  const AxisMap& y_;
  const Box& area_;
  BarLayout bars_;
};

}  // namespace scorefield

// Static figures: one description, written as PNG and SVG with the data beside them as CSV.
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace scorefield {

enum class Scale { kLinear, kLog };

struct Axis {
  /// With the unit, e.g. "noise level σ [data units]".
  std::string label;
  Scale scale = Scale::kLinear;
  /// NaN: chosen so that all data show. A log axis needs positive ends.
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  /// Larger values left or below, as sampling runs from large sigma to small.
  bool reversed = false;
};

enum class Mark { kLine, kPoints, kLinePoints, kBars };

/// Points (x, y) in one colour. Points that are not finite, or not positive on a log axis, are gaps in the picture; the
/// CSV holds them all.
struct Series {
  /// In the legend, unless empty.
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
  Mark mark = Mark::kLine;
  /// Standard errors or the like: bars from y - error to y + error. Empty, or one a point.
  std::vector<double> error;
  /// A shaded band. Both empty, or one a point.
  std::vector<double> band_low;
  std::vector<double> band_high;
  /// Place in the palette; -1: the next one.
  int color = -1;
  bool dashed = false;
};

/// A thin dashed line across the panel.
struct ReferenceLine {
  double value = 0;
  std::string label;
};

/// Values over a rectangle, row 0 at y_low, in colours. NaN is left blank.
struct HeatMap {
  std::size_t rows = 0;
  std::size_t cols = 0;
  /// [rows * cols], row-major.
  std::vector<double> values;
  double x_low = 0, x_high = 1;
  double y_low = 0, y_high = 1;
  /// Label, scale and ends of the colour bar.
  Axis color;
};

struct Panel {
  std::string title;
  Axis x;
  Axis y;
  std::vector<Series> series;
  std::vector<ReferenceLine> horizontal;
  std::vector<ReferenceLine> vertical;
  /// At most one; drawn below the series, on linear axes.
  std::vector<HeatMap> heat;
  /// Names at x = 0, 1, ... in place of numbers (bar charts).
  std::vector<std::string> categories;
  /// One unit is as long on both axes (points in the plane).
  bool equal_aspect = false;
};

struct Figure {
  std::string title;
  std::vector<Panel> panels;
  /// Panels side by side; 0: chosen.
  std::size_t columns = 0;
  /// Of one panel with its labels, in pixels.
  double panel_width = 520;
  double panel_height = 340;
};

/// Writes stem.png, stem.svg and stem.csv (one line a point: panel, series, x, y, error, band_low, band_high, or for a
/// heat map value in place of the last four), each atomically. `stem` may contain dots. Throws Error when they cannot
/// be written, and Bug for a description whose lengths disagree.
void write_figure(const Figure& figure, const std::filesystem::path& stem);

}  // namespace scorefield

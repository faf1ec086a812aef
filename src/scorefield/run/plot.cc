#include "scorefield/run/plot.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "scorefield/run/axis_map.h"
#include "scorefield/run/colors.h"
#include "scorefield/run/legend.h"
#include "scorefield/run/marks.h"
#include "scorefield/run/ticks.h"

namespace scorefield {
namespace {

constexpr Color kGrid{0.91, 0.91, 0.92, 1};
constexpr Color kSpine{0.45, 0.45, 0.48, 1};
constexpr Color kReference{0.40, 0.40, 0.43, 1};
constexpr Font kNumbers{11, false};
constexpr Font kLabels{12, false};
constexpr Font kTitle{13, true};
constexpr Font kSmall{10.5, false};

AxisMap x_axis(const Panel& panel, const BarLayout& bars) {
  Extent extent;
  for (const Series& series : panel.series) {
    const double reach = series.mark == Mark::kBars ? bars.slot / 2 : 0;
    for (double x : series.x) {
      extent.add(x - reach, panel.x.scale);
      extent.add(x + reach, panel.x.scale);
    }
  }
  for (const ReferenceLine& line : panel.vertical) extent.add(line.value, panel.x.scale);
  for (const HeatMap& heat : panel.heat) {
    extent.add(heat.x_low, panel.x.scale);
    extent.add(heat.x_high, panel.x.scale);
  }
  return AxisMap(panel.x, extent, panel.heat.empty() ? 0.03 : 0);
}

AxisMap y_axis(const Panel& panel) {
  Extent extent;
  bool from_zero = false;
  for (const Series& series : panel.series) {
    from_zero = from_zero || series.mark == Mark::kBars;
    for (std::size_t i = 0; i < series.y.size(); ++i) {
      const double error = series.error.empty() || !std::isfinite(series.error[i]) ? 0 : series.error[i];
      extent.add(series.y[i], panel.y.scale);
      extent.add(series.y[i] - error, panel.y.scale);
      extent.add(series.y[i] + error, panel.y.scale);
    }
    for (double y : series.band_low) extent.add(y, panel.y.scale);
    for (double y : series.band_high) extent.add(y, panel.y.scale);
  }
  if (from_zero) extent.add(0, panel.y.scale);
  for (const ReferenceLine& line : panel.horizontal) extent.add(line.value, panel.y.scale);
  for (const HeatMap& heat : panel.heat) {
    extent.add(heat.y_low, panel.y.scale);
    extent.add(heat.y_high, panel.y.scale);
  }
  AxisMap map(panel.y, extent, panel.heat.empty() ? 0.05 : 0);
  if (!from_zero || panel.y.scale == Scale::kLog || std::isfinite(panel.y.low) || extent.low < 0) return map;
  Axis grounded = panel.y;  // bars stand on the axis
  grounded.low = 0;
  return AxisMap(grounded, extent, 0.05);
}

/// The middle of a pixel, where a thin line is sharp.
double snap(double pixel) {
  return std::floor(pixel) + 0.5;
}

double number_width(Paint& paint, const Tick& tick) {
  const double width = paint.text_width(tick.text, kNumbers);
  return tick.exponent.empty() ? width : width + 1 + paint.text_width(tick.exponent, {8.5, false});
}

void draw_number(Paint& paint, const Pixel& at, const Tick& tick, Align align) {
  const double width = number_width(paint, tick);
  const double left = at.x - (align == Align::kCenter ? width / 2 : width);
  paint.text({left, at.y}, tick.text, kNumbers, kInk);
  if (tick.exponent.empty()) return;
  paint.text({left + paint.text_width(tick.text, kNumbers) + 1, at.y - 4.5}, tick.exponent, {8.5, false}, kInk);
}

Tick power_note(int power) {
  return {0, "×10", (power < 0 ? "\u2212" : "") + std::to_string(std::abs(power))};
}

class PanelPlot {
 public:
  PanelPlot(Paint& paint, const Panel& panel)
      : paint_(paint), panel_(panel), x_(x_axis(panel, BarLayout(panel))), y_(y_axis(panel)) {}

  void draw(const Box& cell) {
    lay_out(cell, 0, 0);
    const Marks marks(panel_, x_, y_, area_);
    Legend legend(paint_, panel_);
    Pixel corner{0, 0};
    if (!legend.empty() && !legend.place(area_, marks.ink(), &corner)) {
      if (legend.width() < 0.3 * cell.width && panel_.heat.empty()) {  // beside a heat map stands its colour bar
        lay_out(cell, legend.width() + 10, 0);
        corner = {area_.right() + 12, area_.top};
      } else {
        legend.flow(area_.width);
        lay_out(cell, 0, legend.height() + (y_ticks_.power == 0 ? 0 : 12));
        corner = {area_.left, area_.top - above_ - 4};
      }
    }
    draw_grid();
    paint_.clip({area_.left - 0.5, area_.top - 0.5, area_.width + 1, area_.height + 1});
    draw_heat();
    marks.draw(paint_);
    draw_references();
    paint_.unclip();
    draw_axes();
    draw_color_bar();
    if (!legend.empty()) legend.draw(corner);
  }

 private:
  /// Leaves room for a legend on the right or above.
  void lay_out(const Box& cell, double legend_room, double legend_height) {
    cell_ = cell;
    above_ = legend_height;
    const double top = cell.top + (panel_.title.empty() ? 20 : 34) + above_;
    double bottom = cell.bottom() - 26 - (panel_.x.label.empty() ? 0 : 20);
    if (!panel_.categories.empty()) {
      double widest = 0;
      for (const std::string& name : panel_.categories) widest = std::max(widest, paint_.text_width(name, kNumbers));
      const double slot = (cell.width - 80 - legend_room) / static_cast<double>(panel_.categories.size());
      slanted_ = widest > slot * 0.95;
      if (slanted_) bottom -= std::min(widest * 0.5, cell.height * 0.4);
    }
    y_ticks_ = choose_ticks(y_.low(), y_.high(), y_.scale(), static_cast<int>((bottom - top) / 34));
    double widest = 0;
    for (const Tick& tick : y_ticks_.marks) widest = std::max(widest, number_width(paint_, tick));
    const double left = cell.left + 14 + widest + 8 + (panel_.y.label.empty() ? 0 : 22);
    double right = cell.right() - 18 - legend_room;
    if (!panel_.heat.empty()) right -= 70 + (panel_.heat[0].color.label.empty() ? 0 : 20);
    area_ = {left, top, std::max(20.0, right - left), std::max(20.0, bottom - top)};
    if (panel_.equal_aspect) make_equal();
    area_ = {snap(area_.left), snap(area_.top), std::round(area_.width), std::round(area_.height)};
    x_.lay(area_.left, area_.right());
    y_.lay(area_.bottom(), area_.top);
    x_ticks_ = choose_ticks(x_.low(), x_.high(), x_.scale(), static_cast<int>(area_.width / 58));
  }

  /// Shrinks the area, so that no range changes.
  void make_equal() {
    const double wanted = (x_.high() - x_.low()) / (y_.high() - y_.low());
    if (area_.width > wanted * area_.height) {
      area_.left += (area_.width - wanted * area_.height) / 2;
      area_.width = wanted * area_.height;
    } else {
      area_.height = area_.width / wanted;
    }
  }

  void draw_grid() {
    if (!panel_.heat.empty()) return;
    for (const Tick& tick : y_ticks_.marks) {
      if (tick.text.empty()) continue;
      const double y = snap(y_(tick.value));
      paint_.stroke({{area_.left, y}, {area_.right(), y}}, kGrid, 1);
    }
    if (!panel_.categories.empty()) return;
    for (const Tick& tick : x_ticks_.marks) {
      if (tick.text.empty()) continue;
      const double x = snap(x_(tick.value));
      paint_.stroke({{x, area_.top}, {x, area_.bottom()}}, kGrid, 1);
    }
  }

  void draw_heat() {
    for (const HeatMap& heat : panel_.heat) {
      const AxisMap scale = color_axis(heat);
      std::vector<Color> colors(heat.values.size());
      for (std::size_t row = 0; row < heat.rows; ++row) {
        for (std::size_t col = 0; col < heat.cols; ++col) {
          const double value = heat.values[row * heat.cols + col];
          Color& color = colors[(heat.rows - 1 - row) * heat.cols + col];
          color = scale.shows(value) ? viridis(scale.share(value)) : Color{1, 1, 1, 0};
        }
      }
      const double left = x_(heat.x_low), right = x_(heat.x_high), top = y_(heat.y_high), bottom = y_(heat.y_low);
      paint_.image({left, top, right - left, bottom - top}, colors, heat.cols);
    }
  }

  static AxisMap color_axis(const HeatMap& heat) {
    Extent extent;
    for (double value : heat.values) extent.add(value, heat.color.scale);
    return AxisMap(heat.color, extent, 0);
  }

  void draw_color_bar() {
    if (panel_.heat.empty()) return;
    const HeatMap& heat = panel_.heat[0];
    AxisMap scale = color_axis(heat);
    const Box bar{area_.right() + 14, area_.top, 12, area_.height};
    scale.lay(bar.bottom(), bar.top);
    std::vector<Color> colors(256);
    for (std::size_t i = 0; i < colors.size(); ++i) colors[i] = viridis(1 - static_cast<double>(i) / 255);
    paint_.image(bar, colors, 1);
    const Ticks ticks = choose_ticks(scale.low(), scale.high(), scale.scale(), static_cast<int>(bar.height / 34));
    double widest = 0;
    for (const Tick& tick : ticks.marks) {
      if (tick.text.empty()) continue;
      const double width = number_width(paint_, tick);
      widest = std::max(widest, width);
      paint_.stroke({{bar.right(), scale(tick.value)}, {bar.right() + 3, scale(tick.value)}}, kSpine, 1);
      draw_number(paint_, {bar.right() + 6 + width, scale(tick.value)}, tick, Align::kRight);
    }
    if (ticks.power != 0) draw_number(paint_, {bar.right() + 28, bar.top - 10}, power_note(ticks.power), Align::kRight);
    paint_.text({bar.right() + 6 + widest + 14, bar.top + bar.height / 2}, heat.color.label, kLabels, kInk,
                Align::kCenter, -M_PI / 2);
  }

  void draw_references() {
    for (const ReferenceLine& line : panel_.horizontal) {
      if (!y_.shows(line.value)) continue;
      const double y = snap(y_(line.value));
      paint_.stroke({{area_.left, y}, {area_.right(), y}}, kReference, 1.1, {4, 3});
      const double above = y - area_.top < 16 ? 8 : -8;
      paint_.text({area_.right() - 4, y + above}, line.label, kSmall, kReference, Align::kRight);
    }
    for (const ReferenceLine& line : panel_.vertical) {
      if (!x_.shows(line.value)) continue;
      const double x = snap(x_(line.value));
      paint_.stroke({{x, area_.top}, {x, area_.bottom()}}, kReference, 1.1, {4, 3});
      const bool fits = x + 5 + paint_.text_width(line.label, kSmall) < area_.right();
      paint_.text({fits ? x + 5 : x - 5, area_.top + 9}, line.label, kSmall, kReference,
                  fits ? Align::kLeft : Align::kRight);
    }
  }

  void draw_axes() {
    const Pixel origin{area_.left, area_.bottom()};
    paint_.stroke({{area_.left, area_.top}, origin, {area_.right(), area_.bottom()}}, kSpine, 1);
    for (const Tick& tick : y_ticks_.marks) {
      const double y = snap(y_(tick.value));
      paint_.stroke({{area_.left, y}, {area_.left - (tick.text.empty() ? 3 : 5), y}}, kSpine, 1);
      if (!tick.text.empty()) draw_number(paint_, {area_.left - 8, y}, tick, Align::kRight);
    }
    if (panel_.categories.empty()) {
      for (const Tick& tick : x_ticks_.marks) {
        const double x = snap(x_(tick.value));
        paint_.stroke({{x, area_.bottom()}, {x, area_.bottom() + (tick.text.empty() ? 3 : 5)}}, kSpine, 1);
        if (!tick.text.empty()) draw_number(paint_, {x, area_.bottom() + 15}, tick, Align::kCenter);
      }
    }
    for (std::size_t i = 0; i < panel_.categories.size(); ++i) {
      const Pixel at{x_(static_cast<double>(i)), area_.bottom() + (slanted_ ? 9 : 14)};
      paint_.text(at, panel_.categories[i], kNumbers, kInk, slanted_ ? Align::kRight : Align::kCenter,
                  slanted_ ? -M_PI / 6 : 0);
    }
    draw_labels();
  }

  void draw_labels() {
    if (x_ticks_.power != 0 && panel_.categories.empty()) {
      draw_number(paint_, {area_.right(), area_.bottom() + 32}, power_note(x_ticks_.power), Align::kRight);
    }
    if (y_ticks_.power != 0)
      draw_number(paint_, {area_.left + 14, area_.top - 9}, power_note(y_ticks_.power), Align::kRight);
    double widest = 0;
    for (const Tick& tick : y_ticks_.marks) widest = std::max(widest, number_width(paint_, tick));
    const double below = panel_.categories.empty() || !slanted_ ? 35 : 35 + slant_room();
    paint_.text({area_.left + area_.width / 2, area_.bottom() + below}, panel_.x.label, kLabels, kInk, Align::kCenter);
    paint_.text({area_.left - 8 - widest - 14, area_.top + area_.height / 2}, panel_.y.label, kLabels, kInk,
                Align::kCenter, -M_PI / 2);
    draw_title();
  }

  /// Over the area, further left where it is long, smaller where even the cell is too narrow.
  void draw_title() {
    Font font = kTitle;
    const double width = paint_.text_width(panel_.title, font);
    const double room = cell_.width - 20;
    if (width > room) font.size *= room / width;
    const double left = std::min(area_.left, cell_.right() - 10 - std::min(width, room));
    paint_.text({left, area_.top - above_ - 18}, panel_.title, font, kInk);
  }

  double slant_room() {
    double widest = 0;
    for (const std::string& name : panel_.categories) widest = std::max(widest, paint_.text_width(name, kNumbers));
    return widest * 0.5;
  }

  Paint& paint_;
  const Panel& panel_;
  AxisMap x_;
  AxisMap y_;
  Box cell_;
  Box area_;
  double above_ = 0;  // room for a legend above the area
  Ticks x_ticks_;
  Ticks y_ticks_;
  bool slanted_ = false;
};

}  // namespace

void draw_panel(Paint& paint, const Panel& panel, const Box& cell) {
  PanelPlot(paint, panel).draw(cell);
}

}  // namespace scorefield

#include "scorefield/run/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "scorefield/run/axis_map.h"
#include "scorefield/run/colors.h"
#include "scorefield/run/legend.h"
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
constexpr double kBarShare = 0.8;  // of the room between two bars' centres

struct Bars {
  std::size_t groups = 0;  // bar series side by side
  double slot = 1;         // between two centres
};

Bars measure_bars(const Panel& panel) {
  Bars bars;
  std::vector<double> centres;
  for (const Series& series : panel.series) {
    if (series.mark != Mark::kBars) continue;
    ++bars.groups;
    centres.insert(centres.end(), series.x.begin(), series.x.end());
  }
  std::sort(centres.begin(), centres.end());
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < centres.size(); ++i) {
    if (centres[i] > centres[i - 1]) nearest = std::min(nearest, centres[i] - centres[i - 1]);
  }
  if (std::isfinite(nearest)) bars.slot = nearest;
  return bars;
}

AxisMap x_axis(const Panel& panel, const Bars& bars) {
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
      : paint_(paint), panel_(panel), bars_(measure_bars(panel)), x_(x_axis(panel, bars_)), y_(y_axis(panel)) {}

  void draw(const Box& cell) {
    lay_out(cell, 0);
    const Legend legend(paint_, panel_);
    Pixel corner{0, 0};
    if (!legend.empty() && !legend.place(area_, occupied(), &corner)) {
      lay_out(cell, legend.width() + 10);
      corner = {area_.right() + 12, area_.top};
    }
    draw_grid();
    paint_.clip({area_.left - 0.5, area_.top - 0.5, area_.width + 1, area_.height + 1});
    draw_heat();
    std::size_t bar = 0;
    for (std::size_t i = 0; i < panel_.series.size(); ++i) draw_series(i, bar);
    draw_references();
    paint_.unclip();
    draw_axes();
    draw_color_bar();
    if (!legend.empty()) legend.draw(corner);
  }

 private:
  void lay_out(const Box& cell, double legend_room) {
    const double top = cell.top + (panel_.title.empty() ? 20 : 34);
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
      area_.top += (area_.height - area_.width / wanted) / 2;
      area_.height = area_.width / wanted;
    }
  }

  bool shows(double x, double y) const { return x_.shows(x) && y_.shows(y); }
  Pixel at(double x, double y) const { return {x_(x), y_(y)}; }

  /// The runs of showable points of a line.
  std::vector<std::vector<Pixel>> runs(const Series& series, const std::vector<double>& y) const {
    std::vector<std::vector<Pixel>> found(1);
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (shows(series.x[i], y[i])) {
        found.back().push_back(at(series.x[i], y[i]));
      } else if (!found.back().empty()) {
        found.emplace_back();
      }
    }
    return found;
  }

  /// Where ink will be, in steps of a few pixels: what a legend must not cover.
  std::vector<Pixel> occupied() const {
    std::vector<Pixel> ink;
    for (const Series& series : panel_.series) {
      const bool joined = series.mark == Mark::kLine || series.mark == Mark::kLinePoints;
      for (const auto& run : runs(series, series.y)) {
        for (std::size_t i = 0; i < run.size(); ++i) {
          ink.push_back(run[i]);
          if (series.mark == Mark::kBars) {
            for (double y = run[i].y; y < area_.bottom(); y += 5) ink.push_back({run[i].x, y});
          }
          if (!joined || i == 0) continue;
          const int pieces =
              1 + static_cast<int>(std::min(400.0, std::hypot(run[i].x - run[i - 1].x, run[i].y - run[i - 1].y) / 5));
          for (int k = 1; k < pieces; ++k) {
            const double share = static_cast<double>(k) / pieces;
            ink.push_back(
                {run[i - 1].x + share * (run[i].x - run[i - 1].x), run[i - 1].y + share * (run[i].y - run[i - 1].y)});
          }
        }
      }
    }
    const double step = 5;
    for (const ReferenceLine& line : panel_.horizontal) {
      for (double x = area_.left; x < area_.right(); x += step) ink.push_back({x, y_(line.value)});
    }
    for (const ReferenceLine& line : panel_.vertical) {
      for (double y = area_.top; y < area_.bottom(); y += step) ink.push_back({x_(line.value), y});
    }
    for (double x = area_.left; !panel_.heat.empty() && x < area_.right(); x += step) {
      for (double y = area_.top; y < area_.bottom(); y += step) ink.push_back({x, y});
    }
    return ink;
  }

  void draw_grid() {
    if (!panel_.heat.empty()) return;
    for (const Tick& tick : y_ticks_.marks) {
      if (tick.text.empty()) continue;
      paint_.stroke({{area_.left, y_(tick.value)}, {area_.right(), y_(tick.value)}}, kGrid, 1);
    }
    if (!panel_.categories.empty()) return;
    for (const Tick& tick : x_ticks_.marks) {
      if (tick.text.empty()) continue;
      paint_.stroke({{x_(tick.value), area_.top}, {x_(tick.value), area_.bottom()}}, kGrid, 1);
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

  void draw_series(std::size_t index, std::size_t& bar) {
    const Series& series = panel_.series[index];
    const Color color = series_color(panel_, index);
    draw_band(series, color);
    if (series.mark == Mark::kBars) {
      draw_bars(series, color, bar++);
      return;
    }
    draw_error_bars(series, color);
    if (series.mark != Mark::kPoints) {
      for (const auto& run : runs(series, series.y)) {
        if (run.size() == 1) paint_.disc(run[0], 1.5, color);
        paint_.stroke(run, color, 1.8, series.dashed ? std::vector<double>{6, 4} : std::vector<double>{});
      }
    }
    if (series.mark != Mark::kLine) {
      const bool many = series.x.size() > 500;
      Color dot = color;
      if (many) dot.alpha = 0.55;
      for (std::size_t i = 0; i < series.x.size(); ++i) {
        if (shows(series.x[i], series.y[i])) paint_.disc(at(series.x[i], series.y[i]), many ? 1.6 : 2.8, dot);
      }
    }
  }

  void draw_band(const Series& series, Color color) {
    color.alpha = 0.18;
    std::vector<Pixel> outline, back;
    for (std::size_t i = 0; i <= series.band_low.size(); ++i) {
      const bool good = i < series.band_low.size() && shows(series.x[i], series.band_low[i]) &&
                        shows(series.x[i], series.band_high[i]);
      if (good) {
        outline.push_back(at(series.x[i], series.band_low[i]));
        back.push_back(at(series.x[i], series.band_high[i]));
      } else if (!outline.empty()) {
        outline.insert(outline.end(), back.rbegin(), back.rend());
        paint_.fill(outline, color);
        outline.clear();
        back.clear();
      }
    }
  }

  void draw_error_bar(double x_pixel, double y, double error, const Color& color) {
    if (!y_.shows(y + error) || !(error > 0)) return;
    const double top = y_(y + error);
    // Down to 0 or below on a log axis: the bar leaves the panel.
    const double bottom = y_.shows(y - error) ? y_(y - error) : area_.bottom() + 10;
    paint_.stroke({{x_pixel, top}, {x_pixel, bottom}}, color, 1.2);
    for (double end : {top, bottom}) paint_.stroke({{x_pixel - 3, end}, {x_pixel + 3, end}}, color, 1.2);
  }

  void draw_error_bars(const Series& series, const Color& color) {
    for (std::size_t i = 0; i < series.error.size(); ++i) {
      if (shows(series.x[i], series.y[i])) draw_error_bar(x_(series.x[i]), series.y[i], series.error[i], color);
    }
  }

  void draw_bars(const Series& series, const Color& color, std::size_t bar) {
    const double ground = y_.scale() == Scale::kLog ? y_.low() : std::clamp(0.0, y_.low(), y_.high());
    const auto groups = static_cast<double>(bars_.groups);
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!shows(series.x[i], series.y[i])) continue;
      const double room = bars_.slot * kBarShare / groups;
      const double centre = series.x[i] + (static_cast<double>(bar) - (groups - 1) / 2) * room;
      const double left = x_(centre - room / 2), right = x_(centre + room / 2);
      const double top = std::min(y_(series.y[i]), y_(ground)), bottom = std::max(y_(series.y[i]), y_(ground));
      paint_.fill(Box{std::min(left, right), top, std::max(1.0, std::abs(right - left) - 1), bottom - top}, color);
      if (!series.error.empty()) draw_error_bar((left + right) / 2, series.y[i], series.error[i], kInk);
    }
  }

  void draw_references() {
    for (const ReferenceLine& line : panel_.horizontal) {
      if (!y_.shows(line.value)) continue;
      const double y = y_(line.value);
      paint_.stroke({{area_.left, y}, {area_.right(), y}}, kReference, 1.1, {4, 3});
      const double above = y - area_.top < 16 ? 8 : -8;
      paint_.text({area_.right() - 4, y + above}, line.label, kSmall, kReference, Align::kRight);
    }
    for (const ReferenceLine& line : panel_.vertical) {
      if (!x_.shows(line.value)) continue;
      const double x = x_(line.value);
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
      const double y = y_(tick.value);
      paint_.stroke({{area_.left, y}, {area_.left - (tick.text.empty() ? 3 : 5), y}}, kSpine, 1);
      if (!tick.text.empty()) draw_number(paint_, {area_.left - 8, y}, tick, Align::kRight);
    }
    if (panel_.categories.empty()) {
      for (const Tick& tick : x_ticks_.marks) {
        const double x = x_(tick.value);
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
    paint_.text({area_.left, area_.top - 18}, panel_.title, kTitle, kInk);
  }

  double slant_room() {
    double widest = 0;
    for (const std::string& name : panel_.categories) widest = std::max(widest, paint_.text_width(name, kNumbers));
    return widest * 0.5;
  }

  Paint& paint_;
  const Panel& panel_;
  Bars bars_;
  AxisMap x_;
  AxisMap y_;
  Box area_;
  Ticks x_ticks_;
  Ticks y_ticks_;
  bool slanted_ = false;
};

}  // namespace

void draw_panel(Paint& paint, const Panel& panel, const Box& cell) {
  PanelPlot(paint, panel).draw(cell);
}

}  // namespace scorefield

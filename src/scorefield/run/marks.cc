#include "scorefield/run/marks.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scorefield/run/colors.h"

namespace scorefield {
namespace {

constexpr double kBarShare = 0.8;  // of the room between two bars' centres
constexpr double kInkStep = 5;

/// Points every few pixels from a to b, without b.
void add_line(const Pixel& a, const Pixel& b, std::vector<Pixel>& ink) {
  const int pieces = 1 + static_cast<int>(std::min(400.0, std::hypot(b.x - a.x, b.y - a.y) / kInkStep));
  for (int k = 0; k < pieces; ++k) {
    const double share = static_cast<double>(k) / pieces;
    ink.push_back({a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)});
  }
}

}  // namespace

BarLayout::BarLayout(const Panel& panel) {
  std::vector<double> centres;
  for (const Series& series : panel.series) {
    if (series.mark != Mark::kBars) continue;
    ++groups;
    centres.insert(centres.end(), series.x.begin(), series.x.end());
  }
  std::sort(centres.begin(), centres.end());
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < centres.size(); ++i) {
    if (centres[i] > centres[i - 1]) nearest = std::min(nearest, centres[i] - centres[i - 1]);
  }
  if (std::isfinite(nearest)) slot = nearest;
}

/// The stretches of a line between its gaps.
std::vector<std::vector<Pixel>> Marks::runs(const Series& series) const {
  std::vector<std::vector<Pixel>> found(1);
  for (std::size_t i = 0; i < series.y.size(); ++i) {
    if (shows(series.x[i], series.y[i])) {
      found.back().push_back({x_(series.x[i]), y_(series.y[i])});
    } else if (!found.back().empty()) {
      found.emplace_back();
    }
  }
  return found;
}

Box Marks::bar(const Series& series, std::size_t i, std::size_t group) const {
  const double ground = y_(y_.scale() == Scale::kLog ? y_.low() : std::clamp(0.0, y_.low(), y_.high()));
  const auto groups = static_cast<double>(bars_.groups);
  const double room = bars_.slot * kBarShare / groups;
  const double centre = series.x[i] + (static_cast<double>(group) - (groups - 1) / 2) * room;
  const double a = x_(centre - room / 2), b = x_(centre + room / 2), end = y_(series.y[i]);
  return {std::min(a, b), std::min(end, ground), std::max(1.0, std::abs(b - a) - 1), std::abs(end - ground)};
}

void Marks::draw(Paint& paint) const {
  std::size_t group = 0;
  std::size_t points = 0;
  for (const Series& series : panel_.series) points += series.mark == Mark::kPoints ? series.x.size() : 0;
  const bool many = points > 500;
  for (std::size_t s = 0; s < panel_.series.size(); ++s) {
    const Series& series = panel_.series[s];
    const Color color = series_color(panel_, s);
    const bool bars = series.mark == Mark::kBars;
    draw_band(paint, series, color);
    if (series.mark == Mark::kLine || series.mark == Mark::kLinePoints) {
      for (const auto& run : runs(series)) {
        if (run.size() == 1) paint.disc(run[0], 1.5, color);
        paint.stroke(run, color, 1.8, series.dashed ? std::vector<double>{6, 4} : std::vector<double>{});
      }
    }
    const bool crowded = many && series.mark == Mark::kPoints;
    const double radius = crowded ? 1.6 : 2.8;
    const Color dot{color.red, color.green, color.blue, crowded ? 0.55 : 1.0};
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!shows(series.x[i], series.y[i])) continue;
      double middle = x_(series.x[i]);
      if (bars) {
        const Box box = bar(series, i, group);
        paint.fill(box, color);
        middle = box.left + box.width / 2;
      }
      if (!series.error.empty()) draw_error_bar(paint, middle, series.y[i], series.error[i], bars ? kInk : color);
      if (series.mark == Mark::kPoints || series.mark == Mark::kLinePoints) {
        paint.disc({middle, y_(series.y[i])}, radius, dot);
      }
    }
    if (bars) ++group;
  }
}

void Marks::draw_band(Paint& paint, const Series& series, Color color) const {
  color.alpha = 0.18;
  std::vector<Pixel> outline, back;
  for (std::size_t i = 0; i <= series.band_low.size(); ++i) {
    const bool good =
        i < series.band_low.size() && std::isfinite(series.band_low[i]) && shows(series.x[i], series.band_high[i]);
    if (good) {
      outline.push_back({x_(series.x[i]), y_pixel(series.band_low[i])});
      back.push_back({x_(series.x[i]), y_(series.band_high[i])});
    } else if (!outline.empty()) {
      outline.insert(outline.end(), back.rbegin(), back.rend());
      paint.fill(outline, color);
      outline.clear();
      back.clear();
    }
  }
}

void Marks::draw_error_bar(Paint& paint, double x_pixel, double y, double error, const Color& color) const {
  if (!y_.shows(y + error) || !(error > 0)) return;
  const double top = y_(y + error);
  const double bottom = y_pixel(y - error);
  paint.stroke({{x_pixel, top}, {x_pixel, bottom}}, color, 1.2);
  for (double end : {top, bottom}) paint.stroke({{x_pixel - 3, end}, {x_pixel + 3, end}}, color, 1.2);
}

std::vector<Pixel> Marks::ink() const {
  std::vector<Pixel> ink;
  std::size_t group = 0;
  for (const Series& series : panel_.series) {
    const bool bars = series.mark == Mark::kBars;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!shows(series.x[i], series.y[i])) continue;
      const Pixel point{x_(series.x[i]), y_(series.y[i])};
      ink.push_back(point);
      if (bars) {
        const Box box = bar(series, i, group);
        for (double x = box.left; x < box.right(); x += kInkStep) add_line({x, box.top}, {x, box.bottom()}, ink);
      }
      if (!series.error.empty() && y_.shows(series.y[i] + series.error[i])) {
        add_line({point.x, y_(series.y[i] + series.error[i])}, {point.x, y_pixel(series.y[i] - series.error[i])}, ink);
      }
      if (series.band_high.empty() || !y_.shows(series.band_high[i])) continue;
      add_line({point.x, y_(series.band_high[i])}, {point.x, y_pixel(series.band_low[i])}, ink);
    }
    if (bars) ++group;
    if (bars || series.mark == Mark::kPoints) continue;
    for (const auto& run : runs(series)) {
      for (std::size_t i = 1; i < run.size(); ++i) add_line(run[i - 1], run[i], ink);
    }
  }
  for (const ReferenceLine& line : panel_.horizontal) {
    if (y_.shows(line.value)) add_line({area_.left, y_(line.value)}, {area_.right(), y_(line.value)}, ink);
  }
  for (const ReferenceLine& line : panel_.vertical) {
    if (x_.shows(line.value)) add_line({x_(line.value), area_.top}, {x_(line.value), area_.bottom()}, ink);
  }
  for (double x = area_.left; !panel_.heat.empty() && x < area_.right(); x += kInkStep) {
    add_line({x, area_.top}, {x, area_.bottom()}, ink);
  }
  return ink;
}

}  // namespace scorefield

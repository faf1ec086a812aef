#include "scorefield/run/legend.h"

#include <algorithm>

#include "scorefield/run/colors.h"

namespace scorefield {
namespace {

constexpr Font kFont{11.5, false};
constexpr double kSample = 22;  // length of the piece of line beside a name
constexpr double kRow = 18;

}  // namespace

Legend::Legend(Paint& paint, const Panel& panel) : paint_(&paint), panel_(&panel) {
  for (std::size_t i = 0; i < panel.series.size(); ++i) {
    if (panel.series[i].name.empty()) continue;
    const double width = 6 + kSample + 6 + paint.text_width(panel.series[i].name, kFont) + 8;
    entries_.push_back({i, width, {0, 4 + kRow * static_cast<double>(entries_.size())}});
    width_ = std::max(width_, width);
  }
  height_ = kRow * static_cast<double>(entries_.size()) + 8;
}

void Legend::flow(double width) {
  Pixel at{0, 0};
  for (Entry& entry : entries_) {
    if (at.x > 0 && at.x + entry.width > width) at = {0, at.y + kRow};
    entry.at = at;
    at.x += entry.width + 6;
  }
  width_ = width;
  height_ = at.y + kRow;
}

bool Legend::place(const Box& area, const std::vector<Pixel>& ink, Pixel* corner) const {
  constexpr double kGap = 6;
  const double left = area.left + kGap, right = area.right() - kGap - width_;
  const double top = area.top + kGap, bottom = area.bottom() - kGap - height();
  if (right < left || bottom < top) return false;
  const double middle = (left + right) / 2;
  for (const Pixel& place :
       {Pixel{right, top}, Pixel{left, top}, Pixel{right, bottom}, Pixel{left, bottom}, Pixel{middle, top},
        Pixel{middle, bottom}, Pixel{right, (top + bottom) / 2}, Pixel{left, (top + bottom) / 2}}) {
    const Box box{place.x - 4, place.y - 4, width_ + 8, height() + 8};
    const bool covered = std::any_of(ink.begin(), ink.end(), [&box](const Pixel& p) {
      return p.x > box.left && p.x < box.right() && p.y > box.top && p.y < box.bottom();
    });
    if (covered) continue;
    *corner = place;
    return true;
  }
  return false;
}

void Legend::draw(const Pixel& corner) const {
  paint_->fill(Box{corner.x, corner.y, width_, height()}, {1, 1, 1, 0.85});
  for (const Entry& entry : entries_) {
    const Series& series = panel_->series[entry.series];
    const Color color = series_color(*panel_, entry.series);
    const double left = corner.x + entry.at.x + 6;
    const double y = corner.y + entry.at.y + kRow / 2;
    if (!series.band_low.empty()) {
      paint_->fill(Box{left, y - 5, kSample, 10}, {color.red, color.green, color.blue, 0.18});
    }
    if (series.mark == Mark::kBars) {
      paint_->fill(Box{left + 5, y - 5, 12, 10}, color);
    } else {
      if (series.mark != Mark::kPoints) {
        paint_->stroke({{left, y}, {left + kSample, y}}, color, 1.8,
                       series.dashed ? std::vector<double>{6, 4} : std::vector<double>{});
      }
      if (series.mark != Mark::kLine) paint_->disc({left + kSample / 2, y}, 2.8, color);
    }
    paint_->text({left + kSample + 6, y}, series.name, kFont, kInk);
  }
}

}  // namespace scorefield

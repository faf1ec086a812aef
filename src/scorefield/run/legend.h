// The legend of a panel: the named series, put where nothing is drawn.
#pragma once

#include <vector>

#include "scorefield/run/figure.h"
#include "scorefield/run/paint.h"

namespace scorefield {

/// Refers to the paint and panel it was made with.
class Legend {
 public:
  Legend(Paint& paint, const Panel& panel);

  bool empty() const { return entries_.empty(); }
  /// As a column.
  double width() const { return width_; }
  double height() const { return height_; }
  /// The top left for a column inside `area` that covers none of the `ink`; false where there is no such place.
  bool place(const Box& area, const std::vector<Pixel>& ink, Pixel* corner) const;
  /// Rearranges the names in rows of at most `width`.
  void flow(double width);
  void draw(const Pixel& corner) const;

 private:
  struct Entry {
    std::size_t series = 0;
    double width = 0;
    Pixel at;  // top left, from the legend's corner
  };

  Paint* paint_;
  const Panel* panel_;
  std::vector<Entry> entries_;
  double width_ = 0;
  double height_ = 0;
};

}  // namespace scorefield

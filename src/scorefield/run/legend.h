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

  bool empty() const { return named_.empty(); }
  double width() const { return width_; }
  double height() const { return 18 * static_cast<double>(named_.size()) + 8; }
  /// The top left for a legend inside `area` that covers none of the `ink`; false where there is no such place.
  bool place(const Box& area, const std::vector<Pixel>& ink, Pixel* corner) const;
  void draw(const Pixel& corner) const;

 private:
  Paint* paint_;
  const Panel* panel_;
  std::vector<std::size_t> named_;
  double width_ = 0;
};

}  // namespace scorefield

#include "scorefield/field/query.h"

#include <fmt/format.h>

#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {

void check_states(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                  std::size_t dimension, std::size_t classes) {
  if (x.cols != dimension) {
    throw Error(fmt::format("states have {} values a row, but the field has dimension {}", x.cols, dimension));
  }
  if (sigma.size() != 1 && sigma.size() != x.rows) {
    throw Error(fmt::format("{} sigmas for {} states; give one, or one a state", sigma.size(), x.rows));
  }
  for (const double s : sigma) {
    if (!(s > 0)) throw Error(fmt::format("sigma must be above 0, got {}", s));
  }
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (const double v : x[i]) {
      if (!std::isfinite(v)) throw Error(fmt::format("state {} holds a value that is not finite ({})", i, v));
    }
  }
  if (!labels.empty() && labels.size() != 1 && labels.size() != x.rows) {
    throw Error(fmt::format("{} labels for {} states; give none, one, or one a state", labels.size(), x.rows));
  }
  for (const int label : labels) {
    if (label < -1 || (label >= 0 && static_cast<std::size_t>(label) >= classes)) {
      throw Error(classes == 0 ? fmt::format("label {} asked, but the field has no classes", label)
                               : fmt::format("label {} is unknown; the field has classes 0 to {}", label, classes - 1));
    }
  }
}

}  // namespace scorefield

// Rows as a data set stores them (u8, f32 or f64), and the map from stored values to data units.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "scorefield/base/rows.h"

namespace scorefield {

/// data unit = scale * stored + offset. 8-bit images: stored/127.5 - 1.
struct Affine {
  double scale = 1.0;
  double offset = 0.0;

  double to_data(double stored) const { return scale * stored + offset; }
  double to_stored(double data) const { return (data - offset) / scale; }
  bool operator==(const Affine&) const = default;
};

inline constexpr Affine kImageUnits{1.0 / 127.5, -1.0};

/// Rows as stored, one sample a row. A view; does not own.
using StoredRows = std::variant<RowsView<const std::uint8_t>, RowsView<const float>, RowsView<const double>>;

inline std::size_t row_count(const StoredRows& rows) {
  return std::visit([](const auto& view) { return view.rows; }, rows);
}

inline std::size_t row_length(const StoredRows& rows) {
  return std::visit([](const auto& view) { return view.cols; }, rows);
}

/// Row i in data units, exact in double up to the two roundings of the affine map. out: [d].
inline void read_row(const StoredRows& rows, const Affine& affine, std::size_t i, std::span<double> out) {
  std::visit(
      [&](const auto& view) {
        const auto values = view[i];
        for (std::size_t k = 0; k < values.size(); ++k) out[k] = affine.to_data(static_cast<double>(values[k]));
      },
      rows);
}

}  // namespace scorefield

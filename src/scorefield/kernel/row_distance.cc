#include "scorefield/kernel/row_distance.h"

#include <cmath>

namespace scorefield {

double squared_distance(const StoredRows& rows, const Affine& affine, std::size_t i, std::span<const double> x) {
  return std::visit(
      [&](const auto& view) {
        const auto* row = view[i].data();
        double square = 0;
        for (std::size_t k = 0; k < x.size(); ++k) {
          const double difference = x[k] - affine.to_data(static_cast<double>(row[k]));
          square += difference * difference;
        }
        return square;
      },
      rows);
}

std::pair<std::vector<double>, double> rough_centre(const StoredRows& rows) {
  const std::size_t n = row_count(rows);
  const std::size_t step = (n + 1023) / 1024;
  const auto count = static_cast<double>((n + step - 1) / step);
  std::vector<double> mean(row_length(rows));
  double square = 0;
  std::visit(
      [&](const auto& view) {
        for (std::size_t i = 0; i < n; i += step) {
          for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += static_cast<double>(view(i, k)) / count;
        }
        for (std::size_t i = 0; i < n; i += step) {
          for (std::size_t k = 0; k < mean.size(); ++k) {
            const double difference = static_cast<double>(view(i, k)) - mean[k];
            square += difference * difference / count;
          }
        }
      },
      rows);
  return {std::move(mean), std::sqrt(square)};
}

}  // namespace scorefield

#include "scorefield/base/row_moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

// Groups of rows are the tasks; their bounds depend on the number of rows alone, and they are added in order.
constexpr std::size_t kGroups = 16;

struct Sums {
  std::vector<double> first;  // sum of w (y - origin), [d]
  double second = 0;          // sum of w |y - origin|^2
};

Sums centred_sums(const StoredRows& rows, std::span<const double> weights, std::span<const double> origin,
                  const Context& context) {
  const std::size_t n = row_count(rows);
  const std::size_t d = row_length(rows);
  std::vector<Sums> groups(kGroups);
  run_tasks(context.pool, kGroups, [&](std::size_t g, int /*worker*/) {
    Sums& sums = groups[g];
    sums.first.assign(d, 0.0);
    std::visit(
        [&](const auto& view) {
          for (std::size_t i = g * n / kGroups; i < (g + 1) * n / kGroups; ++i) {
            if (i % 1024 == 0) context.check_cancelled();
            const double w = weights.empty() ? 1.0 / static_cast<double>(n) : weights[i];
            const auto* row = view[i].data();
            double square = 0;
            for (std::size_t k = 0; k < d; ++k) {
              const double difference = static_cast<double>(row[k]) - origin[k];
              sums.first[k] += w * difference;
              square += difference * difference;
            }
            // A value that is not finite makes its row's square so.
            if (!std::isfinite(square)) {
              const auto bad =
                  std::find_if(row, row + d, [](auto v) { return !std::isfinite(static_cast<double>(v)); });
              if (bad == row + d) throw Error(fmt::format("row {} holds values too large to square", i));
              throw Error(fmt::format("row {} holds a value that is not finite ({}) at position {}", i,
                                      static_cast<double>(*bad), bad - row));
            }
            sums.second += w * square;
          }
        },
        rows);
  });
  Sums total = std::move(groups[0]);
  for (std::size_t g = 1; g < kGroups; ++g) {
    for (std::size_t k = 0; k < d; ++k) total.first[k] += groups[g].first[k];
    total.second += groups[g].second;
  }
  return total;
}

}  // namespace

RowMoments row_moments(const StoredRows& rows, std::span<const double> weights, const Context& context) {
  const std::size_t d = row_length(rows);
  RowMoments moments;
  moments.mean.assign(d, 0.0);
  // The first pass finds the mean to a few roundings of the largest value; the second, taken about it, what is missing.
  for (int pass = 0; pass < 2; ++pass) {
    const Sums sums = centred_sums(rows, weights, moments.mean, context);
    double shift = 0;
    for (std::size_t k = 0; k < d; ++k) {
      moments.mean[k] += sums.first[k];
      shift += sums.first[k] * sums.first[k];
    }
    moments.variance = std::max(0.0, sums.second - shift);
  }
  return moments;
}

}  // namespace scorefield

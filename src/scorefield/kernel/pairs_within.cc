#include "scorefield/kernel/pairs_within.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/centred_rows.h"
#include "scorefield/kernel/query_panel.h"
#include "scorefield/kernel/row_distance.h"
#include "scorefield/kernel/tile.h"

namespace scorefield {
namespace {

using tile::kGroup;
using tile::kTileRows;

// Contiguous runs of tiles are the tasks; pairs are judged exactly, so their bounds do not matter to the result.
constexpr std::size_t kSlots = 16;

/// The rows as the loops see them, with their reaches. For |y - x| <= r the score s = x.y - |y|^2/2 must be
/// (|x|^2 - r^2)/2 or more.
class Screening {
 public:
  Screening(const CentredRows& rows, std::span<const double> reach, const Context& context)
      : rows_(rows), half_norms_(rows.half_norms(context)), half_reaches_(reach.size()) {
    longest_ = std::sqrt(2.0 * static_cast<double>(*std::max_element(half_norms_.begin(), half_norms_.end())));
    for (std::size_t i = 0; i < reach.size(); ++i) {
      const double r = reach[i] * rows.units_per_data();
      half_reaches_[i] = static_cast<float>(-r * r / 2);
      widest_ = std::max(widest_, r);
    }
  }

  /// For every query of the panel the rows that may be within reach, ascending, and perhaps others.
  std::vector<std::vector<std::uint32_t>> run(const QueryPanel& panel, std::span<const double> query_reach,
                                              const Context& context) const {
    std::vector<float> query_floors(tile::round_up(panel.count(), kGroup), std::numeric_limits<float>::infinity());
    std::vector<float> row_floors = query_floors;
    std::vector<bool> in_range(panel.count());
    for (std::size_t q = 0; q < panel.count(); ++q) {
      const double norm = panel.norm(q);
      const double reach = query_reach[q] * rows_.units_per_data();
      // Of the score; then of both sides, rounded to f32 a few times.
      const double allowance =
          rows_.worst_score_error(norm, longest_) +
          0x1p-22 * (norm * norm + longest_ * longest_ + norm * longest_ + reach * reach + widest_ * widest_);
      // Beyond the range of f32 scores say nothing.
      in_range[q] = norm < 1e15 && longest_ < 1e15 && reach < 1e15 && widest_ < 1e15;
      if (!in_range[q]) continue;
      query_floors[q] = static_cast<float>((norm * norm - reach * reach) / 2 - allowance);
      row_floors[q] = static_cast<float>(norm * norm / 2 - allowance);
    }
    const std::size_t tiles = (rows_.size() + kTileRows - 1) / kTileRows;
    const std::size_t slots = std::min(kSlots, tiles);
    std::vector<std::vector<std::vector<std::uint32_t>>> found(slots);
    run_tasks(context.pool, slots, [&](std::size_t s, int /*worker*/) {
      found[s] = slot(panel, query_floors, row_floors, s * tiles / slots, (s + 1) * tiles / slots, context);
    });
    for (std::size_t s = 1; s < slots; ++s) {
      for (std::size_t q = 0; q < panel.count(); ++q) {
        found[0][q].insert(found[0][q].end(), found[s][q].begin(), found[s][q].end());
      }
    }
    for (std::size_t q = 0; q < panel.count(); ++q) {
      if (in_range[q]) continue;
      found[0][q].resize(rows_.size());
      std::iota(found[0][q].begin(), found[0][q].end(), 0U);
    }
    return std::move(found[0]);
  }

 private:
  std::vector<std::vector<std::uint32_t>> slot(const QueryPanel& panel, std::span<const float> query_floors,
                                               std::span<const float> row_floors, std::size_t first_tile,
                                               std::size_t last_tile, const Context& context) const {
    std::vector<std::vector<std::uint32_t>> found(panel.count());
    CentredRows::Tile tile(rows_);
    AlignedFloats products(kTileRows * kGroup);
    std::array<float, kTileRows> half_norms{};
    std::array<float, kTileRows> half_reaches{};
    std::array<std::uint64_t, kTileRows> in_query{};
    std::array<std::uint64_t, kTileRows> in_row{};
    for (std::size_t t = first_tile; t < last_tile; ++t) {
      context.check_cancelled();
      const std::size_t first = t * kTileRows;
      tile.select({}, first, std::min(rows_.size(), first + kTileRows), rows_.size());
      for (std::size_t j = 0; j < tile.count(); ++j) {
        half_norms[j] = half_norms_[first + j];
        half_reaches[j] = half_reaches_[first + j];
      }
      for (std::size_t g = 0; g < panel.groups(); ++g) {
        panel.dots(tile, rows_.stride(), g, products.data());
        tile::screen(products.data(), half_norms.data(), query_floors.data() + g * kGroup, panel.lanes(g),
                     in_query.data());
        tile::screen(products.data(), half_reaches.data(), row_floors.data() + g * kGroup, panel.lanes(g),
                     in_row.data());
        for (std::size_t j = 0; j < tile.count(); ++j) {
          for (std::uint64_t bits = (in_query[j] | in_row[j]) & panel.present(g); bits != 0; bits &= bits - 1) {
            found[g * kGroup + static_cast<std::size_t>(std::countr_zero(bits))].push_back(tile.number(j));
          }
        }
      }
    }
    return found;
  }

  const CentredRows& rows_;
  std::vector<float> half_norms_;
  std::vector<float> half_reaches_;  // -r^2/2 a row
  double longest_ = 0;
  double widest_ = 0;
};

}  // namespace

void pairs_within(RowsView<const double> rows, std::span<const double> row_reach, RowsView<const double> queries,
                  std::span<const double> query_reach,
                  const std::function<void(std::size_t query, std::span<const RowDistance> near)>& use,
                  const Context& context) {
  ensure(row_reach.size() == rows.rows && query_reach.size() == queries.rows, "one reach a row and a query");
  if (rows.rows == 0) throw Error("pairs within reach were asked of no rows");
  if (queries.cols != rows.cols) {
    throw Error(fmt::format("queries have {} values a row, but the rows have {}", queries.cols, rows.cols));
  }
  const auto [about, spread] = rough_centre(rows);
  const CentredRows centred(rows, {}, about, spread);
  const Screening screening(centred, row_reach, context);
  std::vector<std::vector<RowDistance>> near(QueryPanel::kQueries);
  for (std::size_t first = 0; first < queries.rows; first += QueryPanel::kQueries) {
    const std::size_t count = std::min(QueryPanel::kQueries, queries.rows - first);
    const QueryPanel panel(centred, queries.slice(first, count));
    const auto candidates = screening.run(panel, query_reach.subspan(first, count), context);
    run_tasks(context.pool, count, [&](std::size_t q, int /*worker*/) {
      context.check_cancelled();
      near[q].clear();
      for (const std::uint32_t row : candidates[q]) {
        const double distance = std::sqrt(squared_distance(rows, {}, row, queries[first + q]));
        if (distance <= std::max(row_reach[row], query_reach[first + q])) near[q].push_back({row, distance});
      }
    });
    for (std::size_t q = 0; q < count; ++q) use(first + q, near[q]);
    context.report("pairs of rows", static_cast<double>(first + count), static_cast<double>(queries.rows));
  }
}

}  // namespace scorefield

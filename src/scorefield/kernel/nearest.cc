#include "scorefield/kernel/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/candidates.h"
#include "scorefield/kernel/centred_rows.h"
#include "scorefield/kernel/query_panel.h"
#include "scorefield/kernel/row_distance.h"
#include "scorefield/kernel/tile.h"

namespace scorefield {
namespace {

using tile::kGroup;
using tile::kTileRows;

// Contiguous groups of tiles are the tasks. Candidates are re-ranked exactly, so their bounds do not matter to the
// result.
constexpr std::size_t kSlots = 16;
// Below this many candidates a list is not worth narrowing.
constexpr std::size_t kShortList = 64;

/// A panel of queries against all rows, in f32: finds what may be among the k nearest.
class Screening {
 public:
  Screening(const CentredRows& rows, std::span<const float> half_norms, RowsView<const double> queries, std::size_t k)
      : rows_(rows), half_norms_(half_norms), count_(queries.rows), panel_(rows, queries) {
    const double longest =
        std::sqrt(2.0 * static_cast<double>(*std::max_element(half_norms.begin(), half_norms.end())));
    for (std::size_t q = 0; q < count_; ++q) {
      const double norm = panel_.norm(q);
      policies_.push_back({CandidatePolicy().margin, k, static_cast<float>(2 * rows.worst_score_error(norm, longest))});
      // Beyond the range of f32 scores say nothing; neither do they where rounding is all there is.
      in_range_.push_back(norm < 1e15 && longest < 1e15);
    }
  }

  /// Row numbers for every query, a superset of its k nearest; empty where that could not be found.
  std::vector<std::vector<std::uint32_t>> run(const Context& context) const {
    const std::size_t tiles = (rows_.size() + kTileRows - 1) / kTileRows;
    const std::size_t slots = std::min(kSlots, tiles);
    std::vector<std::vector<CandidateList>> lists(slots, std::vector<CandidateList>(count_));
    run_tasks(context.pool, slots, [&](std::size_t s, int /*worker*/) {
      screen_slot(s * tiles / slots, (s + 1) * tiles / slots, lists[s], context);
    });
    std::vector<std::vector<std::uint32_t>> found(count_);
    for (std::size_t q = 0; q < count_; ++q) {
      for (std::size_t s = 1; s < slots; ++s) lists[0][q].append(lists[s][q]);
      if (!lists[0][q].has_top() || !in_range_[q]) continue;
      lists[0][q].narrow(0, policies_[q]);
      for (const Candidate& c : lists[0][q].kept()) found[q].push_back(c.row);
    }
    return found;
  }

 private:
  void screen_slot(std::size_t first_tile, std::size_t last_tile, std::vector<CandidateList>& lists,
                   const Context& context) const {
    CentredRows::Tile tile(rows_);
    AlignedFloats products(kTileRows * kGroup);
    std::array<float, kTileRows> half_norms;
    std::array<std::uint64_t, kTileRows> candidates;
    std::vector<float> floors(tile::round_up(count_, kGroup), -INFINITY);
    for (std::size_t t = first_tile; t < last_tile; ++t) {
      context.check_cancelled();
      const std::size_t last = std::min(rows_.size(), (t + 1) * kTileRows);
      tile.select({}, t * kTileRows, last, rows_.size());
      for (std::size_t j = 0; j < kTileRows; ++j) {
        half_norms[j] = j < tile.count() ? half_norms_[tile.number(j)] : INFINITY;
      }
      for (std::size_t g = 0; g < panel_.groups(); ++g) {
        panel_.dots(tile, rows_.stride(), g, products.data());
        tile::screen(products.data(), half_norms.data(), floors.data() + g * kGroup, panel_.lanes(g),
                     candidates.data());
        collect(g, tile, products.data(), candidates, lists, floors);
      }
    }
  }

  void collect(std::size_t g, const CentredRows::Tile& tile, const float* products,
               const std::array<std::uint64_t, kTileRows>& candidates, std::vector<CandidateList>& lists,
               std::vector<float>& floors) const {
    std::uint64_t grown = 0;
    for (std::size_t j = 0; j < tile.count(); ++j) {
      for (std::uint64_t bits = candidates[j] & panel_.present(g); bits != 0; bits &= bits - 1) {
        const auto lane = static_cast<std::size_t>(std::countr_zero(bits));
        lists[g * kGroup + lane].add({tile.number(j), products[j * panel_.lanes(g) + lane]});
        grown |= std::uint64_t{1} << lane;
      }
    }
    for (; grown != 0; grown &= grown - 1) {
      const std::size_t q = g * kGroup + static_cast<std::size_t>(std::countr_zero(grown));
      if (lists[q].kept().size() < std::max(kShortList, 2 * policies_[q].k)) continue;
      lists[q].make_room(0, policies_[q]);
      floors[q] = lists[q].top_floor();
    }
  }

  const CentredRows& rows_;
  std::span<const float> half_norms_;
  std::size_t count_;
  QueryPanel panel_;
  std::vector<CandidatePolicy> policies_;
  std::vector<bool> in_range_;
};

using Ranked = std::pair<double, std::uint32_t>;  // squared distance, row

/// The k nearest among some rows; empty: among all.
std::vector<Ranked> rank(const StoredRows& rows, const Affine& affine, std::span<const std::uint32_t> candidates,
                         std::span<const double> x, std::size_t k) {
  const std::size_t n = candidates.empty() ? row_count(rows) : candidates.size();
  std::vector<Ranked> order(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t row = candidates.empty() ? static_cast<std::uint32_t>(i) : candidates[i];
    order[i] = {squared_distance(rows, affine, row, x), row};
  }
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end());
  order.resize(k);
  return order;
}

}  // namespace

NearestRows nearest_rows(const StoredRows& rows, const Affine& affine, RowsView<const double> queries, std::size_t k,
                         const Context& context) {
  const std::size_t n = row_count(rows);
  if (k < 1 || k > n) throw Error(fmt::format("{} nearest rows asked of {}; ask for 1 to {}", k, n, n));
  if (queries.cols != row_length(rows)) {
    throw Error(fmt::format("queries have {} values a row, but the data set has {}", queries.cols, row_length(rows)));
  }
  NearestRows nearest{k, std::vector<std::uint32_t>(queries.rows * k), std::vector<double>(queries.rows * k)};
  const auto [about, spread] = rough_centre(rows);
  const CentredRows centred(rows, affine, about, spread);
  const std::vector<float> half_norms = centred.half_norms(context);
  for (std::size_t first = 0; first < queries.rows; first += QueryPanel::kQueries) {
    const std::size_t count = std::min(QueryPanel::kQueries, queries.rows - first);
    const auto candidates = Screening(centred, half_norms, queries.slice(first, count), k).run(context);
    run_tasks(context.pool, count, [&](std::size_t q, int /*worker*/) {
      context.check_cancelled();
      const std::vector<Ranked> order = rank(rows, affine, candidates[q], queries[first + q], k);
      for (std::size_t r = 0; r < k; ++r) {
        nearest.index[(first + q) * k + r] = order[r].second;
        nearest.distance[(first + q) * k + r] = std::sqrt(order[r].first);
      }
    });
    context.report("nearest rows", static_cast<double>(first + count), static_cast<double>(queries.rows));
  }
  return nearest;
}

}  // namespace scorefield

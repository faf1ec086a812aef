// Queries as the f32 loops take them: centred, in groups, the queries of a group side by side.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "scorefield/kernel/centred_rows.h"
#include "scorefield/kernel/tile.h"

namespace scorefield {

class QueryPanel {
 public:
  /// Groups that a tile is held against while it is in the cache.
  static constexpr std::size_t kGroupsAtOnce = 4;
  static constexpr std::size_t kQueries = kGroupsAtOnce * tile::kGroup;

  /// queries: [B, d], data units, B <= kQueries.
  QueryPanel(const CentredRows& rows, RowsView<const double> queries)
      : dimension_(rows.dimension()),
        count_(queries.rows),
        values_(tile::round_up(count_, tile::kGroup) * rows.dimension()) {
    std::vector<float> u(dimension_);
    for (std::size_t q = 0; q < count_; ++q) {
      norms_.push_back(rows.centre_query(queries[q], u.data()));
      const std::size_t g = q / tile::kGroup;
      float* at = values_.data() + g * tile::kGroup * dimension_ + q % tile::kGroup;
      for (std::size_t c = 0; c < dimension_; ++c) at[c * lanes(g)] = u[c];
    }
  }

  std::size_t count() const { return count_; }
  std::size_t groups() const { return (count_ + tile::kGroup - 1) / tile::kGroup; }
  /// |u| of query q, before rounding.
  double norm(std::size_t q) const { return norms_[q]; }
  /// Queries of group g, rounded up to whole vectors: the row length of what dots() writes.
  std::size_t lanes(std::size_t g) const {
    return tile::round_up(std::min(tile::kGroup, count_ - g * tile::kGroup), tile::kLaneStep);
  }
  /// Bit q is set where group g has a query in lane q.
  std::uint64_t present(std::size_t g) const {
    return ~std::uint64_t{0} >> (tile::kGroup - std::min(tile::kGroup, count_ - g * tile::kGroup));
  }

  /// products[j * lanes(g) + q] = row j of the tile . query q of group g.
  void dots(CentredRows::Tile& tile, std::size_t stride, std::size_t g, float* products) const {
    tile::dots(tile.values(), stride, values_.data() + g * tile::kGroup * dimension_, lanes(g), dimension_,
               g == 0 ? tile.ahead() : tile::Ahead(), products);
  }

 private:
  std::size_t dimension_;
  std::size_t count_;
  AlignedFloats values_;  // a group: [d][lanes]
  std::vector<double> norms_;
};

}  // namespace scorefield

// Sets of rows that tests of metrics hold against each other.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "scorefield/base/random.h"
#include "scorefield/base/rows.h"
#include "scorefield/metrics/grouped_rows.h"

namespace scorefield {

/// shift + scale N(0, I), [n, d].
inline Rows normal_rows(std::size_t n, std::size_t d, std::uint64_t seed, double shift = 0, double scale = 1) {
  Rows rows(n, d);
  RandomStream(seed, Purpose::kTest).normals(rows.values());
  for (double& v : rows.values()) v = shift + scale * v;
  return rows;
}

inline GroupedRows grouped(const Rows& rows, std::uint64_t stream = 0) {
  return GroupedRows(rows.view(), 0, stream, "rows");
}

/// The rows that are left without group g, copied; all for kNoGroup.
inline Rows rows_without(const GroupedRows& set, std::size_t g) {
  Rows rest(set.size_without(g), set.dimension());
  std::size_t at = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set.group_of(i) != g) std::ranges::copy(set.rows()[i], rest[at++].begin());
  }
  return rest;
}

inline double row_distance(std::span<const double> a, std::span<const double> b) {
  double square = 0;
  for (std::size_t k = 0; k < a.size(); ++k) square += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(square);
}

}  // namespace scorefield

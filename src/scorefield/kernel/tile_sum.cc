#include "scorefield/kernel/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/kernel/tile_sum.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace scorefield::tile::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
constexpr std::size_t kN = hn::MaxLanes(F());
/// 32 vector registers: 24 accumulators at a time; 16: 12.
constexpr bool kManyRegisters = kN >= 16;

// ---- One vector of a centred row.

HWY_INLINE hn::Vec<F> load_float(const std::uint8_t* from) {
  const F f;
  const hn::Rebind<std::uint8_t, F> bytes;
  const hn::RebindToSigned<F> i;
  return hn::ConvertTo(f, hn::PromoteTo(i, hn::LoadU(bytes, from)));
}

struct CentredTile {
  using Handle = std::uint32_t;  // where the row starts
  const float* rows;
  std::size_t stride;
  Handle handle(std::size_t j) const { return static_cast<Handle>(j * stride); }
  HWY_INLINE const float* start(Handle row, std::size_t column) const { return rows + column + row; }
  HWY_INLINE hn::Vec<F> load(const float* from, std::size_t /*column*/) const { return hn::LoadU(F(), from); }
};

struct ByteRows {
  using Handle = const std::uint8_t*;
  const std::uint8_t* const* rows;
  const float* centre;
  Handle handle(std::size_t j) const { return rows[j]; }
  HWY_INLINE const std::uint8_t* start(Handle row, std::size_t column) const { return row + column; }
  HWY_INLINE hn::Vec<F> load(const std::uint8_t* from, std::size_t column) const {
    return hn::Sub(load_float(from), hn::LoadU(F(), centre + column));
  }
};

struct StoredFloats {
  using Handle = const float*;
  FloatRows from;
  Handle handle(std::size_t j) const { return from.rows[j]; }
  HWY_INLINE const float* start(Handle row, std::size_t column) const { return row + column; }
  HWY_INLINE hn::Vec<F> load(const float* at, std::size_t column) const {
    const F f;
    return hn::Mul(hn::Sub(hn::LoadU(f, at), hn::LoadU(f, from.centre + column)), hn::Set(f, from.scale));
  }
};

/// Q queries of a group, and the rows that carry weight for any of them, in order. The weights are copied so that they
/// lie together: read from where they are they push the rows out of the L1 cache, at 178 instead of 208 GFLOP/s.
template <std::size_t Q, class Row>
struct Part {
  std::size_t first;
  std::size_t active;
  std::array<typename Row::Handle, kTileRows> rows;
  std::array<float, kTileRows * Q> weights;  // [active][Q]

  /// Whether there is anything to do: weights, or sums to rescale.
  bool fill(const Row& row, const Softmax& state, const float* all_weights, std::size_t lanes, std::size_t first_) {
    first = first_;
    const std::uint64_t queries = ((std::uint64_t{1} << Q) - 1) << first;
    std::size_t found = 0;
    for (std::size_t j = 0; j < kTileRows; ++j) {
      if ((state.active[j] & queries) == 0) continue;
      rows[found] = row.handle(j);
      std::copy_n(all_weights + j * lanes + first, Q, weights.data() + found * Q);
      ++found;
    }
    active = found;
    const auto* rescale = state.rescale.data() + first;
    return active > 0 || std::any_of(rescale, rescale + Q, [](float r) { return r != 1.0F; });
  }
};

/// Where the sums of a query are: row after row, or slab after slab. Known to the compiler, the distance between
/// queries is part of an address, and a group takes 2 % less (d = 784).
struct Lines {
  std::size_t stride;
  HWY_INLINE std::size_t place(std::size_t query, std::size_t column) const { return query * stride + column; }
  HWY_INLINE void fetch_next(const float* /*sums*/, std::size_t /*queries*/) const {}
};
struct Slabs {
  static constexpr std::size_t stride = kSlab;
  HWY_INLINE std::size_t place(std::size_t query, std::size_t column) const {
    return column / kSlab * (kGroup * kSlab) + query * kSlab + column % kSlab;
  }
  /// The sums of the next queries (or of the next slab) follow: 1 % at 256 queries, whose sums are not all in L2.
  HWY_INLINE void fetch_next(const float* sums, std::size_t queries) const {
#pragma GCC unroll 24
    for (std::size_t i = 0; i < queries * kSlab; i += 16) hwy::Prefetch(sums + queries * kSlab + i);
  }
};

/// Q queries times V vectors of columns.
template <std::size_t Q, std::size_t V, class Row, class Layout>
HWY_INLINE void add_block(const Row& row, const Part<Q, Row>& part, const float* HWY_RESTRICT rescale,
                          std::size_t column, float* HWY_RESTRICT sums, const Layout& layout) {
  const F f;
  const std::size_t stride = layout.stride;
  hn::Vec<F> total[Q][V];
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
    const auto scale = hn::Set(f, rescale[q]);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) {
      total[q][v] = hn::Mul(hn::LoadU(f, sums + q * stride + v * kN), scale);
    }
  }
  layout.fetch_next(sums, Q);
#pragma GCC unroll 4
  for (std::size_t a = 0; a < part.active; ++a) {
    const auto* from = row.start(part.rows[a], column);
    hn::Vec<F> y[V];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) y[v] = row.load(from + v * kN, column + v * kN);
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
      const auto p = hn::Set(f, part.weights[a * Q + q]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < V; ++v) total[q][v] = hn::MulAdd(p, y[v], total[q][v]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) hn::StoreU(total[q][v], f, sums + q * stride + v * kN);
  }
}

/// V vectors of columns (or one at a time, at the end) for Q queries.
template <std::size_t Q, std::size_t V, class Row, class Layout>
HWY_INLINE void add_part(const Row& row, const Softmax& state, const Part<Q, Row>& part, std::size_t column,
                         std::size_t columns, float* sums, const Layout& layout) {
  const float* rescale = state.rescale.data() + part.first;
  const auto add = [&]<std::size_t W>(std::integral_constant<std::size_t, W>) HWY_ATTR {
    add_block<Q, W>(row, part, rescale, column, sums + layout.place(part.first, column), layout);
    column += W * kN;
  };
  if (column + V * kN <= columns) return add(std::integral_constant<std::size_t, V>());
  // NOLINTNEXTLINE(bugprone-infinite-loop): add() moves the column
  while (column < columns) add(std::integral_constant<std::size_t, 1>());
}

/// Columns outside, queries inside: V vectors of all rows (18 KB at V = 3) stay in the L1 cache for the group.
template <std::size_t Q, std::size_t V, class Row, class Layout>
HWY_NOINLINE void add_group(const Row& row, const Softmax& state, std::size_t count, const float* weights,
                            std::size_t lanes, std::size_t columns, float* sums, Layout layout) {
  Part<Q, Row> parts[kGroup / Q];  // 28 KB at Q = 8, not filled before it is used
  std::size_t busy = 0;
  for (std::size_t first = 0; first < count; first += Q) {
    busy += parts[busy].fill(row, state, weights, lanes, first) ? 1 : 0;
  }
  for (std::size_t column = 0; column < columns; column += V * kN) {
    for (std::size_t p = 0; p < busy; ++p) add_part<Q, V>(row, state, parts[p], column, columns, sums, layout);
  }
}

/// Few queries.
template <class Row>
void add_few(const Row& row, const Softmax& state, std::size_t count, const float* weights, std::size_t lanes,
             std::size_t columns, float* sums, std::size_t stride) {
  const Lines lines{stride};
  if (count > 4 && kManyRegisters) {
    add_group<8, 3>(row, state, count, weights, lanes, columns, sums, lines);
  } else if (count > 2) {
    add_group<4, kManyRegisters ? 6 : 3>(row, state, count, weights, lanes, columns, sums, lines);
  } else if (count > 1) {
    add_group<2, kManyRegisters ? 8 : 4>(row, state, count, weights, lanes, columns, sums, lines);
  } else {
    add_group<1, kManyRegisters ? 16 : 8>(row, state, count, weights, lanes, columns, sums, lines);
  }
}

void AddWeighted(const float* rows, std::size_t stride, const float* weights, std::size_t lanes, std::size_t count,
                 std::size_t dimension, const Softmax& state, float* sums) {
  add_group<kManyRegisters ? 8 : 4, 3>(CentredTile{rows, stride}, state, count, weights, lanes, round_up(dimension, kN),
                                       sums, Slabs());
}

/// The last columns of stored rows: a whole vector would leave the row. They are converted to narrow rows first.
template <class Value>
void add_last(const Value& value, const float* weights, std::size_t lanes, std::size_t count, std::size_t first,
              std::size_t dimension, const Softmax& state, float* sums) {
  if (first == dimension) return;
  HWY_ALIGN float last[kTileRows * kN] = {};
  HWY_ALIGN const float centre[kN] = {};
  const float* rows[kTileRows];
  for (std::size_t j = 0; j < kTileRows; ++j) {
    rows[j] = last + j * kN;
    for (std::size_t k = first; k < dimension; ++k) last[j * kN + k - first] = value(j, k);
  }
  add_few(StoredFloats{{rows, centre, 1.0F}}, state, count, weights, lanes, kN, sums + first, row_stride(dimension));
}

void AddWeightedFloats(const FloatRows& rows, const float* weights, std::size_t lanes, std::size_t count,
                       std::size_t dimension, const Softmax& state, float* sums) {
  const std::size_t whole = dimension / kN * kN;
  add_few(StoredFloats{rows}, state, count, weights, lanes, whole, sums, row_stride(dimension));
  const auto value = [&](std::size_t j, std::size_t k) { return (rows.rows[j][k] - rows.centre[k]) * rows.scale; };
  add_last(value, weights, lanes, count, whole, dimension, state, sums);
}

void AddWeightedBytes(const std::uint8_t* const* rows, const float* centre, const float* weights, std::size_t lanes,
                      std::size_t count, std::size_t dimension, const Softmax& state, float* sums) {
  const std::size_t whole = dimension / kN * kN;
  add_few(ByteRows{rows, centre}, state, count, weights, lanes, whole, sums, row_stride(dimension));
  const auto value = [&](std::size_t j, std::size_t k) { return static_cast<float>(rows[j][k]) - centre[k]; };
  add_last(value, weights, lanes, count, whole, dimension, state, sums);
}

void Fold(double* HWY_RESTRICT total, double scale, float* HWY_RESTRICT part, std::size_t dimension) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<float, decltype(wide)> narrow;
  constexpr std::size_t kStep = hn::MaxLanes(wide);
  const auto factor = hn::Set(wide, scale);
  std::size_t k = 0;
  for (; k + kStep <= dimension; k += kStep) {
    const auto sum =
        hn::Add(hn::Mul(hn::LoadU(wide, total + k), factor), hn::PromoteTo(wide, hn::LoadU(narrow, part + k)));
    hn::StoreU(sum, wide, total + k);
    hn::StoreU(hn::Zero(narrow), narrow, part + k);
  }
  for (; k < dimension; ++k) {
    total[k] = total[k] * scale + static_cast<double>(part[k]);
    part[k] = 0;
  }
}

// ---- Conversion of a row.

void CentreBytes(const std::uint8_t* HWY_RESTRICT row, const float* HWY_RESTRICT centre, std::size_t dimension,
                 float* HWY_RESTRICT out) {
  const F f;
  std::size_t k = 0;
  for (; k + kN <= dimension; k += kN) hn::StoreU(hn::Sub(load_float(row + k), hn::LoadU(f, centre + k)), f, out + k);
  for (; k < dimension; ++k) out[k] = static_cast<float>(row[k]) - centre[k];
}

void CentreFloats(const float* HWY_RESTRICT row, const float* HWY_RESTRICT centre, float scale, std::size_t dimension,
                  float* HWY_RESTRICT out) {
  const F f;
  const auto factor = hn::Set(f, scale);
  std::size_t k = 0;
  for (; k + kN <= dimension; k += kN) {
    hn::StoreU(hn::Mul(hn::Sub(hn::LoadU(f, row + k), hn::LoadU(f, centre + k)), factor), f, out + k);
  }
  for (; k < dimension; ++k) out[k] = (row[k] - centre[k]) * scale;
}

}  // namespace scorefield::tile::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield::tile {

HWY_EXPORT(AddWeighted);
HWY_EXPORT(AddWeightedFloats);
HWY_EXPORT(AddWeightedBytes);
HWY_EXPORT(Fold);
HWY_EXPORT(CentreBytes);
HWY_EXPORT(CentreFloats);

void add_weighted(const float* rows, std::size_t stride, const float* weights, std::size_t lanes, std::size_t count,
                  std::size_t dimension, const Softmax& state, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddWeighted)(rows, stride, weights, lanes, count, dimension, state, sums);
}

void add_weighted(const FloatRows& rows, const float* weights, std::size_t lanes, std::size_t count,
                  std::size_t dimension, const Softmax& state, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddWeightedFloats)(rows, weights, lanes, count, dimension, state, sums);
}

void add_weighted(const std::uint8_t* const* rows, const float* centre, const float* weights, std::size_t lanes,
                  std::size_t count, std::size_t dimension, const Softmax& state, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddWeightedBytes)(rows, centre, weights, lanes, count, dimension, state, sums);
}

void fold(double* total, double scale, float* part, std::size_t dimension) {
  HWY_DYNAMIC_DISPATCH(Fold)(total, scale, part, dimension);
}

void centre_row(const std::uint8_t* row, const float* centre, float /*scale*/, std::size_t dimension, float* out) {
  HWY_DYNAMIC_DISPATCH(CentreBytes)(row, centre, dimension, out);
}

void centre_row(const float* row, const float* centre, float scale, std::size_t dimension, float* out) {
  HWY_DYNAMIC_DISPATCH(CentreFloats)(row, centre, scale, dimension, out);
}

void centre_row(const double* row, const float* centre, float scale, std::size_t dimension, float* out) {
  for (std::size_t k = 0; k < dimension; ++k) {
    out[k] = static_cast<float>((row[k] - static_cast<double>(centre[k])) * static_cast<double>(scale));
  }
}

}  // namespace scorefield::tile
#endif

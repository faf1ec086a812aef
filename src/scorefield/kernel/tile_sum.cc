#include "scorefield/kernel/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/kernel/tile_sum.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

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
  const float* rows;
  std::size_t stride;
  HWY_INLINE hn::Vec<F> operator()(std::size_t j, std::size_t k) const { return hn::LoadU(F(), rows + j * stride + k); }
};

struct ByteRows {
  const std::uint8_t* const* rows;
  const float* centre;
  HWY_INLINE hn::Vec<F> operator()(std::size_t j, std::size_t k) const {
    return hn::Sub(load_float(rows[j] + k), hn::LoadU(F(), centre + k));
  }
};

/// The rows with a weight for any of some queries, in order.
struct ActiveRows {
  std::array<std::uint32_t, kTileRows> rows;
  std::size_t count = 0;

  ActiveRows(const Softmax& state, std::uint64_t queries) {
    for (std::size_t j = 0; j < kTileRows; ++j) {
      rows[count] = static_cast<std::uint32_t>(j);
      count += (state.active[j] & queries) != 0 ? 1 : 0;
    }
  }
};

/// Q queries times V vectors of columns.
template <std::size_t Q, std::size_t V, class Row>
HWY_INLINE void add_block(const Row& row, const ActiveRows& active, const float* HWY_RESTRICT weights,
                          std::size_t lanes, const float* HWY_RESTRICT rescale, std::size_t column,
                          float* HWY_RESTRICT sums, std::size_t stride) {
  const F f;
  hn::Vec<F> total[Q][V];
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
    const auto scale = hn::Set(f, rescale[q]);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) {
      total[q][v] = hn::Mul(hn::LoadU(f, sums + q * stride + column + v * kN), scale);
    }
  }
  for (std::size_t a = 0; a < active.count; ++a) {
    const std::size_t j = active.rows[a];
    hn::Vec<F> y[V];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) y[v] = row(j, column + v * kN);
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
      const auto p = hn::Set(f, weights[j * lanes + q]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < V; ++v) total[q][v] = hn::MulAdd(p, y[v], total[q][v]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) hn::StoreU(total[q][v], f, sums + q * stride + column + v * kN);
  }
}

/// Some queries of a group, the rows that carry weight for any of them, and where their numbers are.
struct Part {
  std::size_t first;
  std::size_t count;
  ActiveRows active;
  bool idle;  // no weights, and nothing to rescale

  Part(const Softmax& state, std::size_t first_, std::size_t count_)
      : first(first_), count(count_), active(state, ((std::uint64_t{1} << count_) - 1) << first_) {
    const auto* rescale = state.rescale.data() + first;
    idle = active.count == 0 && std::all_of(rescale, rescale + count, [](float r) { return r == 1.0F; });
  }
};

/// V vectors of columns (or one, at the end) for Q queries.
template <std::size_t Q, std::size_t V, class Row>
HWY_INLINE void add_part(const Row& row, const Softmax& state, const Part& part, const float* weights,
                         std::size_t lanes, std::size_t column, std::size_t columns, float* sums, std::size_t stride) {
  const float* rescale = state.rescale.data() + part.first;
  weights += part.first;
  sums += part.first * stride;
  if (column + V * kN <= columns) {
    add_block<Q, V>(row, part.active, weights, lanes, rescale, column, sums, stride);
  } else {
    for (; column < columns; column += kN) {
      add_block<Q, 1>(row, part.active, weights, lanes, rescale, column, sums, stride);
    }
  }
}

/// Columns outside, queries inside: V vectors of all rows (18 KB at V = 3) stay in the L1 cache for the group.
template <std::size_t Q, std::size_t V>
HWY_NOINLINE void add_group(const CentredTile& row, const Softmax& state, std::size_t count, const float* weights,
                            std::size_t lanes, std::size_t columns, float* sums, std::size_t stride) {
  std::vector<Part> parts;
  for (std::size_t first = 0; first < count; first += Q) {
    parts.emplace_back(state, first, Q);
    if (parts.back().idle) parts.pop_back();
  }
  for (std::size_t column = 0; column < columns; column += V * kN) {
    for (const Part& part : parts) {
      add_part<Q, V>(row, state, part, weights, lanes, column, columns, sums, stride);
    }
  }
}

void AddWeighted(const float* rows, std::size_t stride, const float* weights, std::size_t lanes, std::size_t count,
                 std::size_t dimension, const Softmax& state, float* sums) {
  const CentredTile row{rows, stride};
  const std::size_t columns = round_up(dimension, kN);
  if (count > 4 && kManyRegisters) {
    add_group<8, 3>(row, state, count, weights, lanes, columns, sums, stride);
  } else if (count > 2) {
    add_group<4, kManyRegisters ? 6 : 3>(row, state, count, weights, lanes, columns, sums, stride);
  } else if (count > 1) {
    add_group<2, kManyRegisters ? 8 : 4>(row, state, count, weights, lanes, columns, sums, stride);
  } else {
    add_group<1, kManyRegisters ? 16 : 8>(row, state, count, weights, lanes, columns, sums, stride);
  }
}

void AddWeightedBytes(const std::uint8_t* const* rows, const float* centre, const float* weights, std::size_t lanes,
                      std::size_t dimension, const Softmax& state, float* sums) {
  const ByteRows row{rows, centre};
  const std::size_t whole = dimension / kN * kN;
  const std::size_t stride = row_stride(dimension);
  const Part part(state, 0, 1);
  if (part.idle) return;
  constexpr std::size_t kVectors = kManyRegisters ? 16 : 8;
  for (std::size_t column = 0; column < whole; column += kVectors * kN) {
    add_part<1, kVectors>(row, state, part, weights, lanes, column, whole, sums, stride);
  }
  // The last columns: a whole vector would leave the row.
  for (std::size_t k = whole; k < dimension; ++k) {
    float total = sums[k] * state.rescale[0];
    for (std::size_t j = 0; j < kTileRows; ++j) {
      if ((state.active[j] & 1) == 0) continue;
      const hn::CappedTag<float, 1> one;
      const auto y = hn::Set(one, static_cast<float>(rows[j][k]) - centre[k]);
      total = hn::GetLane(hn::MulAdd(hn::Set(one, weights[j * lanes]), y, hn::Set(one, total)));
    }
    sums[k] = total;
  }
}

void Fold(double* HWY_RESTRICT total, double scale, const float* HWY_RESTRICT part, std::size_t dimension) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<float, decltype(wide)> narrow;
  constexpr std::size_t kStep = hn::MaxLanes(wide);
  const auto factor = hn::Set(wide, scale);
  std::size_t k = 0;
  for (; k + kStep <= dimension; k += kStep) {
    const auto sum =
        hn::Add(hn::Mul(hn::LoadU(wide, total + k), factor), hn::PromoteTo(wide, hn::LoadU(narrow, part + k)));
    hn::StoreU(sum, wide, total + k);
  }
  for (; k < dimension; ++k) total[k] = total[k] * scale + static_cast<double>(part[k]);
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
HWY_EXPORT(AddWeightedBytes);
HWY_EXPORT(Fold);
HWY_EXPORT(CentreBytes);
HWY_EXPORT(CentreFloats);

void add_weighted(const float* rows, std::size_t stride, const float* weights, std::size_t lanes, std::size_t count,
                  std::size_t dimension, const Softmax& state, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddWeighted)(rows, stride, weights, lanes, count, dimension, state, sums);
}

void add_weighted(const std::uint8_t* const* rows, const float* centre, const float* weights, std::size_t lanes,
                  std::size_t dimension, const Softmax& state, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddWeightedBytes)(rows, centre, weights, lanes, dimension, state, sums);
}

void fold(double* total, double scale, const float* part, std::size_t dimension) {
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

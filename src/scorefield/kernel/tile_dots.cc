#include "scorefield/kernel/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/kernel/tile_dots.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <cstring>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace scorefield::tile::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using U = hn::ScalableTag<std::uint32_t>;
constexpr std::size_t kN = hn::MaxLanes(F());

// ---- Queries as lanes: V vectors of queries times R rows, V * R accumulators.

// 24 accumulators of 32 registers on AVX-512 (2 ports x 4 cycles need 8), 12 of 16 elsewhere.
template <std::size_t V, std::size_t R>
HWY_INLINE void block_dots(const float* HWY_RESTRICT rows, std::size_t stride, const float* HWY_RESTRICT panel,
                           std::size_t lanes, std::size_t length, bool first, float* HWY_RESTRICT products) {
  const F f;
  hn::Vec<F> sums[R][V];
#pragma GCC unroll 24
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) sums[r][v] = hn::Zero(f);
  }
  for (std::size_t k = 0; k < length; ++k) {
    hn::Vec<F> x[V];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) x[v] = hn::LoadU(f, panel + k * lanes + v * kN);
#pragma GCC unroll 24
    for (std::size_t r = 0; r < R; ++r) {
      const auto y = hn::Set(f, rows[r * stride + k]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < V; ++v) sums[r][v] = hn::MulAdd(y, x[v], sums[r][v]);
    }
  }
#pragma GCC unroll 24
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) {
      float* out = products + r * lanes + v * kN;
      hn::StoreU(first ? sums[r][v] : hn::Add(hn::LoadU(f, out), sums[r][v]), f, out);
    }
  }
}

template <std::size_t V, std::size_t R>
HWY_NOINLINE void panel_dots(const float* rows, std::size_t stride, const float* panel, std::size_t lanes,
                             std::size_t dimension, float* products) {
  const std::size_t block = block_length(dimension);
  for (std::size_t k = 0; k < dimension; k += block) {
    const std::size_t length = HWY_MIN(block, dimension - k);
    for (std::size_t j = 0; j < kTileRows; j += R) {
      block_dots<V, R>(rows + j * stride + k, stride, panel + k * lanes, lanes, length, k == 0, products + j * lanes);
    }
  }
}

void Dots(const float* rows, std::size_t stride, const float* panel, std::size_t lanes, std::size_t dimension,
          float* products) {
  if constexpr (kN >= 16) {
    switch (lanes / 16) {
      case 1:
        return panel_dots<1, 24>(rows, stride, panel, lanes, dimension, products);
      case 2:
        return panel_dots<2, 12>(rows, stride, panel, lanes, dimension, products);
      case 3:
        return panel_dots<3, 8>(rows, stride, panel, lanes, dimension, products);
      default:
        return panel_dots<4, 6>(rows, stride, panel, lanes, dimension, products);
    }
  } else {
    for (std::size_t lane = 0; lane < lanes; lane += 2 * kN) {
      panel_dots<2, 6>(rows, stride, panel + lane, lanes, dimension, products + lane);
    }
  }
}

// ---- Rows as lanes: kN rows are transposed in registers, 16 bytes of each at a time.

/// Four vectors; lane j of the i-th is the i-th 32 bits of row j's 16 bytes at `offset`.
HWY_INLINE void transpose(const std::uint8_t* const* HWY_RESTRICT rows, std::size_t offset, hn::Vec<U>* columns) {
  const U u;
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < 4; ++i) {
    columns[i] = hn::LoadU(u, reinterpret_cast<const std::uint32_t*>(rows[0] + offset) + i);
  }
#else
  const hn::Repartition<std::uint64_t, U> u64;
  hn::Vec<U> blocks[4];  // 128-bit block b of the i-th: row 4 b + i
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    const auto load = [&](std::size_t row) HWY_ATTR {
      return hn::LoadDup128(u, reinterpret_cast<const std::uint32_t*>(rows[row] + offset));
    };
    blocks[i] = load(i);
    if constexpr (kN >= 16) {
      blocks[i] = hn::IfThenElse(hn::FirstN(u, 4), blocks[i], load(i + 4));
      const auto upper = hn::IfThenElse(hn::FirstN(u, 12), load(i + 8), load(i + 12));
      blocks[i] = hn::IfThenElse(hn::FirstN(u, 8), blocks[i], upper);
    } else if constexpr (kN >= 8) {
      blocks[i] = hn::IfThenElse(hn::FirstN(u, 4), blocks[i], load(i + 4));
    }
  }
  const auto low01 = hn::BitCast(u64, hn::InterleaveLower(u, blocks[0], blocks[1]));
  const auto low23 = hn::BitCast(u64, hn::InterleaveLower(u, blocks[2], blocks[3]));
  const auto high01 = hn::BitCast(u64, hn::InterleaveUpper(u, blocks[0], blocks[1]));
  const auto high23 = hn::BitCast(u64, hn::InterleaveUpper(u, blocks[2], blocks[3]));
  columns[0] = hn::BitCast(u, hn::InterleaveLower(u64, low01, low23));
  columns[1] = hn::BitCast(u, hn::InterleaveUpper(u64, low01, low23));
  columns[2] = hn::BitCast(u, hn::InterleaveLower(u64, high01, high23));
  columns[3] = hn::BitCast(u, hn::InterleaveUpper(u64, high01, high23));
#endif
}

/// G groups of kN rows against Q queries, so that G * Q chains hide the latency of an addition.
template <class T, std::size_t Q, std::size_t G>
HWY_NOINLINE void row_dots(const std::uint8_t* const* HWY_RESTRICT rows, const float* HWY_RESTRICT centre,
                           const float* HWY_RESTRICT queries, std::size_t query_stride, std::size_t dimension,
                           float* HWY_RESTRICT products) {
  constexpr bool kBytes = sizeof(T) == 1;
  constexpr std::size_t kColumns = 16 / sizeof(T);  // of 16 bytes
  const F f;
  const U u;
  // 2^23 + byte, as bits: subtracting 2^23 + centre leaves byte - centre exactly.
  const auto exponent = hn::Set(u, 0x4B000000U);
  const auto byte = hn::Set(u, 0xFFU);
  hn::Vec<F> totals[G][Q];
  hn::Vec<F> sums[G][Q];
#pragma GCC unroll 2
  for (std::size_t g = 0; g < G; ++g) {
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) sums[g][q] = totals[g][q] = hn::Zero(f);
  }

  // Four columns (bytes of 32 bits), or one (a float): chains go on in sums.
  const auto add_column = [&](const hn::Vec<F>* y, std::size_t k) HWY_ATTR {
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
      const auto x = hn::Set(f, queries[q * query_stride + k]);
#pragma GCC unroll 2
      for (std::size_t g = 0; g < G; ++g) sums[g][q] = hn::MulAdd(y[g], x, sums[g][q]);
    }
  };
  const auto add_columns = [&](const hn::Vec<U>(&columns)[G][4], std::size_t k) HWY_ATTR {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      hn::Vec<F> y[G];
      if constexpr (kBytes) {
        const auto add_byte = [&](auto shift) HWY_ATTR {
          const std::size_t column = k + 4 * i + shift.value;
          const auto c = hn::Set(f, centre[column]);
#pragma GCC unroll 2
          for (std::size_t g = 0; g < G; ++g) {
            const auto shifted = hn::ShiftRight<8 * shift.value>(columns[g][i]);
            y[g] = hn::Sub(hn::BitCast(f, hn::OrAnd(exponent, shifted, byte)), c);
          }
          add_column(y, column);
        };
        add_byte(std::integral_constant<int, 0>());
        add_byte(std::integral_constant<int, 1>());
        add_byte(std::integral_constant<int, 2>());
        add_byte(std::integral_constant<int, 3>());
      } else {
#pragma GCC unroll 2
        for (std::size_t g = 0; g < G; ++g) y[g] = hn::BitCast(f, columns[g][i]);
        add_column(y, k + i);
      }
    }
  };
  const auto add_step = [&](const std::uint8_t* const* from, std::size_t offset, std::size_t k) HWY_ATTR {
    hn::Vec<U> columns[G][4];
#pragma GCC unroll 2
    for (std::size_t g = 0; g < G; ++g) transpose(from + g * kN, offset, columns[g]);
    add_columns(columns, k);
  };

  const std::size_t block = block_length(dimension);
  for (std::size_t start = 0; start < dimension; start += block) {
    const std::size_t end = HWY_MIN(start + block, dimension);
    std::size_t k = start;
    for (; k + kColumns <= end; k += kColumns) add_step(rows, k * sizeof(T), k);
    if (k < end) {
      // The last columns of a row, padded to 16 bytes: reading on would leave the row.
      HWY_ALIGN std::uint8_t padded[G * kN][16] = {};
      const std::uint8_t* pointers[G * kN];
      for (std::size_t j = 0; j < G * kN; ++j) {
        std::memcpy(padded[j], rows[j] + k * sizeof(T), (end - k) * sizeof(T));
        pointers[j] = padded[j];
      }
      add_step(pointers, 0, k);
    }
#pragma GCC unroll 2
    for (std::size_t g = 0; g < G; ++g) {
#pragma GCC unroll 8
      for (std::size_t q = 0; q < Q; ++q) {
        totals[g][q] = start == 0 ? sums[g][q] : hn::Add(totals[g][q], sums[g][q]);
        sums[g][q] = hn::Zero(f);
      }
    }
  }
  for (std::size_t g = 0; g < G; ++g) {
    for (std::size_t q = 0; q < Q; ++q) {
      HWY_ALIGN float lanes[kN];
      hn::Store(totals[g][q], f, lanes);
      for (std::size_t j = 0; j < kN; ++j) products[(g * kN + j) * kLaneStep + q] = lanes[j];
    }
  }
}

template <class T>
void FewDots(const std::uint8_t* const* rows, const float* centre, const float* queries, std::size_t count,
             std::size_t dimension, float* products) {
  const std::size_t stride = row_stride(dimension);
  const auto all_rows = [&](auto q, auto g, std::size_t first) HWY_ATTR {
    constexpr std::size_t kStep = decltype(g)::value * kN;
    for (std::size_t j = 0; j < kTileRows; j += kStep) {
      row_dots<T, decltype(q)::value, decltype(g)::value>(rows + j, centre, queries + first * stride, stride, dimension,
                                                          products + j * kLaneStep + first);
    }
  };
  using std::integral_constant;
  std::size_t first = 0;
  for (std::size_t left = count; left > 0; left = count - first) {
    if (left >= 8) {
      all_rows(integral_constant<std::size_t, 8>(), integral_constant<std::size_t, 1>(), first);
      first += 8;
    } else if (left >= 4) {
      all_rows(integral_constant<std::size_t, 4>(), integral_constant<std::size_t, 2>(), first);
      first += 4;
    } else if (left >= 2) {
      all_rows(integral_constant<std::size_t, 2>(), integral_constant<std::size_t, 2>(), first);
      first += 2;
    } else {
      all_rows(integral_constant<std::size_t, 1>(), integral_constant<std::size_t, 2>(), first);
      first += 1;
    }
  }
}

void FewDotsFloat(const float* rows, std::size_t stride, const float* queries, std::size_t count, std::size_t dimension,
                  float* products) {
  const std::uint8_t* pointers[kTileRows];
  for (std::size_t j = 0; j < kTileRows; ++j) pointers[j] = reinterpret_cast<const std::uint8_t*>(rows + j * stride);
  FewDots<float>(pointers, nullptr, queries, count, dimension, products);
}

void FewDotsBytes(const std::uint8_t* const* rows, const float* shifted_centre, const float* queries, std::size_t count,
                  std::size_t dimension, float* products) {
  FewDots<std::uint8_t>(rows, shifted_centre, queries, count, dimension, products);
}

}  // namespace scorefield::tile::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield::tile {

HWY_EXPORT(Dots);
HWY_EXPORT(FewDotsFloat);
HWY_EXPORT(FewDotsBytes);

void dots(const float* rows, std::size_t stride, const float* panel, std::size_t lanes, std::size_t dimension,
          float* products) {
  HWY_DYNAMIC_DISPATCH(Dots)(rows, stride, panel, lanes, dimension, products);
}

void dots_few(const float* rows, std::size_t stride, const float* queries, std::size_t count, std::size_t dimension,
              float* products) {
  HWY_DYNAMIC_DISPATCH(FewDotsFloat)(rows, stride, queries, count, dimension, products);
}

void dots_few(const std::uint8_t* const* rows, const float* shifted_centre, const float* queries, std::size_t count,
              std::size_t dimension, float* products) {
  HWY_DYNAMIC_DISPATCH(FewDotsBytes)(rows, shifted_centre, queries, count, dimension, products);
}

}  // namespace scorefield::tile
#endif

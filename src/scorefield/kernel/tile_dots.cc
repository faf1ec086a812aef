#include "scorefield/kernel/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/kernel/tile_dots.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace scorefield::tile::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using U = hn::ScalableTag<std::uint32_t>;
constexpr std::size_t kN = hn::MaxLanes(F());

constexpr std::size_t kLine = 64;  // bytes of a cache line

/// Fetches the rows of the tile after this one, line after line, a few at each of `steps` steps. Asked for a block of
/// columns of 24 rows at once it held up the loop: 25.3 ms instead of 20.8 (60000 x 784 floats, B = 16).
class Fetcher {
 public:
  Fetcher(const Ahead& ahead, std::size_t steps) : ahead_(ahead) {
    if (ahead.rows != nullptr) lines_a_step_ = ((ahead.bytes + kLine - 1) / kLine * kTileRows + steps - 1) / steps;
  }
  /// Locality: 3 fetches into the L1 cache too.
  template <int Locality>
  HWY_INLINE void step() {
    for (std::size_t i = 0; i < lines_a_step_ && row_ < kTileRows; ++i) {
      __builtin_prefetch(ahead_.rows[row_] + offset_, 0, Locality);
      offset_ += kLine;
      if (offset_ < ahead_.bytes) continue;
      offset_ = 0;
      ++row_;
    }
  }

 private:
  Ahead ahead_;
  std::size_t lines_a_step_ = 0;
  std::size_t row_ = 0;
  std::size_t offset_ = 0;
};

// ---- Queries as lanes: V vectors of queries times R rows, V * R accumulators.

// 24 accumulators of 32 registers on AVX-512 (2 ports x 4 cycles need 8), 12 of 16 elsewhere.
template <std::size_t V, std::size_t R>
HWY_INLINE void block_dots(const float* HWY_RESTRICT rows, std::size_t stride, const float* HWY_RESTRICT panel,
                           std::size_t lanes, std::size_t length, bool first, Fetcher& fetcher,
                           float* HWY_RESTRICT products) {
  const F f;
  hn::Vec<F> sums[R][V];
#pragma GCC unroll 24
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) sums[r][v] = hn::Zero(f);
  }
  for (std::size_t begin = 0; begin < length; begin += 16) {
    fetcher.step<2>();
#pragma GCC unroll 4
    for (std::size_t k = begin; k < HWY_MIN(begin + 16, length); ++k) {
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
                             std::size_t dimension, Ahead ahead, float* products) {
  const std::size_t block = block_length(dimension);
  Fetcher fetcher(ahead, round_up(dimension, 16) / 16 * (kTileRows / R));
  for (std::size_t k = 0; k < dimension; k += block) {
    const std::size_t length = HWY_MIN(block, dimension - k);
    for (std::size_t j = 0; j < kTileRows; j += R) {
      block_dots<V, R>(rows + j * stride + k, stride, panel + k * lanes, lanes, length, k == 0, fetcher,
                       products + j * lanes);
    }
  }
}

void Dots(const float* rows, std::size_t stride, const float* panel, std::size_t lanes, std::size_t dimension,
          Ahead ahead, float* products) {
  if constexpr (kN >= 16) {
    switch (lanes / 16) {
      case 1:
        return panel_dots<1, 24>(rows, stride, panel, lanes, dimension, ahead, products);
      case 2:
        return panel_dots<2, 12>(rows, stride, panel, lanes, dimension, ahead, products);
      case 3:
        return panel_dots<3, 8>(rows, stride, panel, lanes, dimension, ahead, products);
      default:
        return panel_dots<4, 6>(rows, stride, panel, lanes, dimension, ahead, products);
    }
  } else {
    for (std::size_t lane = 0; lane < lanes; lane += 2 * kN) {
      panel_dots<2, 6>(rows, stride, panel + lane, lanes, dimension, lane == 0 ? ahead : Ahead(), products + lane);
    }
  }
}

// ---- Rows as lanes: G groups of kN rows, 64 bytes of each at a time, which are first transposed in registers.

/// columns: four vectors; lane j of the i-th is the i-th 32 bits of row j's 16 bytes at `offset`.
HWY_INLINE void transpose(const std::uint8_t* const* HWY_RESTRICT rows, std::size_t offset,
                          std::uint32_t* HWY_RESTRICT columns, std::size_t stride) {
  const U u;
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < 4; ++i) {
    hn::StoreU(hn::LoadU(u, reinterpret_cast<const std::uint32_t*>(rows[0] + offset) + i), u, columns + i * stride);
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
  hn::StoreU(hn::BitCast(u, hn::InterleaveLower(u64, low01, low23)), u, columns);
  hn::StoreU(hn::BitCast(u, hn::InterleaveUpper(u64, low01, low23)), u, columns + stride);
  hn::StoreU(hn::BitCast(u, hn::InterleaveLower(u64, high01, high23)), u, columns + 2 * stride);
  hn::StoreU(hn::BitCast(u, hn::InterleaveUpper(u64, high01, high23)), u, columns + 3 * stride);
#endif
}

/// The same for `bytes` bytes of kRows rows, at most kLine, filled up to 16 with zeros. columns: [kLine / 4][kRows].
template <std::size_t kRows>
HWY_NOINLINE void transpose_step(const std::uint8_t* const* rows, std::size_t offset, std::size_t bytes,
                                 std::uint32_t* columns) {
  const std::size_t whole = bytes / 16 * 16;
  for (std::size_t j = 0; j < kRows; j += kN) {
    for (std::size_t b = 0; b < whole; b += 16) {
      transpose(rows + j, offset + b, columns + b / 4 * kRows + j, kRows);
    }
  }
  if (whole == bytes) return;
  // The last columns of a row: reading on would leave the row.
  HWY_ALIGN std::uint8_t padded[kRows][16] = {};
  const std::uint8_t* pointers[kRows];
  for (std::size_t j = 0; j < kRows; ++j) {
    std::memcpy(padded[j], rows[j] + offset + whole, bytes - whole);
    pointers[j] = padded[j];
  }
  for (std::size_t j = 0; j < kRows; j += kN) transpose(pointers + j, 0, columns + whole / 4 * kRows + j, kRows);
}

/// Column k of G groups of kN rows against Q queries.
template <std::size_t Q, std::size_t G>
HWY_INLINE void add_column(const hn::Vec<F> (&y)[G], const float* HWY_RESTRICT queries, std::size_t stride,
                           std::size_t k, hn::Vec<F> (&sums)[G][Q]) {
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
    const auto x = hn::Set(F(), queries[q * stride + k]);
#pragma GCC unroll 6
    for (std::size_t g = 0; g < G; ++g) sums[g][q] = hn::MulAdd(y[g], x, sums[g][q]);
  }
}

/// The same for byte number `Byte` of each 32 bits. 2^23 + byte is made as bits, and 2^23 + centre taken off it: what
/// is left is byte - centre, exactly.
template <int Byte, std::size_t Q, std::size_t G>
HWY_INLINE void add_bytes(const hn::Vec<U> (&columns)[G], const float* HWY_RESTRICT shifted_centre,
                          const float* HWY_RESTRICT queries, std::size_t stride, std::size_t k,
                          hn::Vec<F> (&sums)[G][Q]) {
  const U u;
  const auto centre = hn::Set(F(), shifted_centre[k + Byte]);
  hn::Vec<F> y[G];
#pragma GCC unroll 6
  for (std::size_t g = 0; g < G; ++g) {
    const auto bits = hn::OrAnd(hn::Set(u, 0x4B000000U), hn::ShiftRight<8 * Byte>(columns[g]), hn::Set(u, 0xFFU));
    y[g] = hn::Sub(hn::BitCast(F(), bits), centre);
  }
  add_column<Q, G>(y, queries, stride, k + Byte, sums);
}

/// G groups of kN rows, stored as T, against Q queries: G * Q chains hide the latency of an addition. centre: 2^23 +
/// centre for bytes; scale: for floats only. The transposed bytes go through memory: with them in registers beside 16
/// sums g++ spills the sums, and 8 queries take half as long again.
template <class T, std::size_t Q, std::size_t G>
HWY_NOINLINE void row_dots(const std::uint8_t* const* rows, Fetcher& fetcher, const float* HWY_RESTRICT centre,
                           float scale, const float* HWY_RESTRICT queries, std::size_t stride, std::size_t dimension,
                           float* HWY_RESTRICT products) {
  constexpr std::size_t kRows = G * kN;
  constexpr std::size_t kColumns = 4 / sizeof(T);  // of 32 bits
  const F f;
  const U u;
  HWY_ALIGN std::uint32_t columns[kLine / 4 * kRows];
  HWY_ALIGN float totals[Q * kRows] = {};
  const std::size_t block = block_length(dimension);
  for (std::size_t start = 0; start < dimension; start += block) {
    const std::size_t end = HWY_MIN(start + block, dimension);
    hn::Vec<F> sums[G][Q];
#pragma GCC unroll 6
    for (std::size_t g = 0; g < G; ++g) {
#pragma GCC unroll 8
      for (std::size_t q = 0; q < Q; ++q) sums[g][q] = hn::Zero(f);
    }
    for (std::size_t first = start; first < end; first += kLine / sizeof(T)) {
      const std::size_t bytes = HWY_MIN(kLine, (end - first) * sizeof(T));
      transpose_step<kRows>(rows, first * sizeof(T), bytes, columns);
      const std::size_t vectors = round_up(bytes, 16) / 4;
      for (std::size_t i = 0; i < vectors; ++i) {
        const std::size_t k = first + i * kColumns;
        fetcher.step<3>();
        hn::Vec<U> bits[G];
#pragma GCC unroll 6
        for (std::size_t g = 0; g < G; ++g) bits[g] = hn::Load(u, columns + i * kRows + g * kN);
        if constexpr (sizeof(T) == 1) {
          add_bytes<0, Q, G>(bits, centre, queries, stride, k, sums);
          add_bytes<1, Q, G>(bits, centre, queries, stride, k, sums);
          add_bytes<2, Q, G>(bits, centre, queries, stride, k, sums);
          add_bytes<3, Q, G>(bits, centre, queries, stride, k, sums);
        } else {
          hn::Vec<F> y[G];
#pragma GCC unroll 6
          for (std::size_t g = 0; g < G; ++g) {
            y[g] = hn::Mul(hn::Sub(hn::BitCast(f, bits[g]), hn::Set(f, centre[k])), hn::Set(f, scale));
          }
          add_column<Q, G>(y, queries, stride, k, sums);
        }
      }
    }
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
#pragma GCC unroll 6
      for (std::size_t g = 0; g < G; ++g) {
        float* total = totals + q * kRows + g * kN;
        hn::Store(hn::Add(hn::Load(f, total), sums[g][q]), f, total);
      }
    }
  }
  for (std::size_t j = 0; j < kRows; ++j) {
    for (std::size_t q = 0; q < Q; ++q) products[j * kLaneStep + q] = totals[q * kRows + j];
  }
}

/// All rows of a tile against Q queries.
template <class T, std::size_t Q, std::size_t G>
void tile_dots(const std::uint8_t* const* rows, Ahead ahead, const float* centre, float scale, const float* queries,
               std::size_t dimension, float* products) {
  Fetcher fetcher(ahead, round_up(dimension * sizeof(T), 16) / 4 * (kTileRows / (G * kN)));
  for (std::size_t j = 0; j < kTileRows; j += G * kN) {
    row_dots<T, Q, G>(rows + j, fetcher, centre, scale, queries, row_stride(dimension), dimension,
                      products + j * kLaneStep);
  }
}

template <class T>
void FewDots(const std::uint8_t* const* rows, Ahead ahead, const float* centre, float scale, const float* queries,
             std::size_t count, std::size_t dimension, float* products) {
  // Six chains a query keep the adders busy where bytes must be made floats. Floats come from memory no faster for it,
  // and slower from more places at once: 10.4 ms instead of 9.8 (60000 x 784).
  constexpr bool kManyRows = kN >= 16 && sizeof(T) == 1;
  if (count > 4 && kN >= 16) {
    tile_dots<T, 8, 2>(rows, ahead, centre, scale, queries, dimension, products);
  } else if (count > 2) {
    constexpr std::size_t kRowGroups = kN >= 16 ? 3 : 2;
    tile_dots<T, 4, kRowGroups>(rows, ahead, centre, scale, queries, dimension, products);
    if (count <= 4) return;
    tile_dots<T, 4, kRowGroups>(rows, {}, centre, scale, queries + 4 * row_stride(dimension), dimension, products + 4);
  } else if (count > 1) {
    tile_dots<T, 2, kManyRows ? 6 : 2>(rows, ahead, centre, scale, queries, dimension, products);
  } else {
    tile_dots<T, 1, kManyRows ? 6 : 2>(rows, ahead, centre, scale, queries, dimension, products);
  }
}

void FewDotsFloat(const FloatRows& rows, Ahead ahead, const float* queries, std::size_t count, std::size_t dimension,
                  float* products) {
  const std::uint8_t* pointers[kTileRows];
  for (std::size_t j = 0; j < kTileRows; ++j) pointers[j] = reinterpret_cast<const std::uint8_t*>(rows.rows[j]);
  FewDots<float>(pointers, ahead, rows.centre, rows.scale, queries, count, dimension, products);
}

void FewDotsBytes(const std::uint8_t* const* rows, Ahead ahead, const float* shifted_centre, const float* queries,
                  std::size_t count, std::size_t dimension, float* products) {
  FewDots<std::uint8_t>(rows, ahead, shifted_centre, 1.0F, queries, count, dimension, products);
}

}  // namespace scorefield::tile::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield::tile {

HWY_EXPORT(Dots);
HWY_EXPORT(FewDotsFloat);
HWY_EXPORT(FewDotsBytes);

void dots(const float* rows, std::size_t stride, const float* panel, std::size_t lanes, std::size_t dimension,
          Ahead ahead, float* products) {
  HWY_DYNAMIC_DISPATCH(Dots)(rows, stride, panel, lanes, dimension, ahead, products);
}

void dots_few(const FloatRows& rows, Ahead ahead, const float* queries, std::size_t count, std::size_t dimension,
              float* products) {
  HWY_DYNAMIC_DISPATCH(FewDotsFloat)(rows, ahead, queries, count, dimension, products);
}

void dots_few(const std::uint8_t* const* rows, Ahead ahead, const float* shifted_centre, const float* queries,
              std::size_t count, std::size_t dimension, float* products) {
  HWY_DYNAMIC_DISPATCH(FewDotsBytes)(rows, ahead, shifted_centre, queries, count, dimension, products);
}

}  // namespace scorefield::tile
#endif

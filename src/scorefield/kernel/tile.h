// The inner loops of the posterior and of nearest rows, on one tile: kTileRows rows against a group of queries, in f32.
// Each is compiled for several instruction sets and chosen at run time (Highway). A number is the result of the same
// operations in the same order whatever the size of the group, so the bits of an answer do not depend on the batch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace scorefield::tile {

/// Rows of a tile: a multiple of all the row counts that the micro-kernels take at once (6, 8, 12, 16, 24). At d = 784
/// a tile of f32 is 300 KB and stays in a 1 MiB L2 cache.
inline constexpr std::size_t kTileRows = 96;
/// Queries of a full group: four 512-bit vectors.
inline constexpr std::size_t kGroup = 64;
/// Query lanes come in multiples of this.
inline constexpr std::size_t kLaneStep = 16;
/// Up to this many queries the rows are the lanes, and no lane is wasted on absent queries.
inline constexpr std::size_t kFewQueries = 8;

/// Columns of a slab of weighted sums. The sums of a slab lie together: a group touches 3 pages at a time, not 64,
/// which at d = 3072 are more than the first TLB holds (10 %).
inline constexpr std::size_t kSlab = 48;

/// Columns of a block. A dot product is the sum, in order, of one chain of fused multiply-adds a block: rounding errors
/// grow with the length of a chain, and a block of queries (128 x 64 floats, 32 KB) stays in the L1 cache.
constexpr std::size_t block_length(std::size_t dimension) {
  const std::size_t blocks = (dimension + 127) / 128;
  return ((dimension + blocks - 1) / blocks + 15) / 16 * 16;
}

/// Floats from one row to the next: whole cache lines, an odd number of them, so that rows do not meet in one cache
/// set.
constexpr std::size_t row_stride(std::size_t dimension) {
  return 16 * (((dimension + 15) / 16) | 1);
}

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

/// out[k] = (row[k] - centre[k]) * scale, k < dimension; rounded once to f32 (exact for u8).
void centre_row(const std::uint8_t* row, const float* centre, float scale, std::size_t dimension, float* out);
void centre_row(const float* row, const float* centre, float scale, std::size_t dimension, float* out);
void centre_row(const double* row, const float* centre, float scale, std::size_t dimension, float* out);

/// Rows that will be asked for next: while the loops compute, their bytes are fetched from memory a few at a time. No
/// hardware prefetcher does that: it follows what the loops read.
struct Ahead {
  const std::uint8_t* const* rows = nullptr;  // kTileRows rows, or null: none
  std::size_t bytes = 0;                      // of a row
};

/// products[j * lanes + q] = rows[j] . query q. rows: kTileRows x stride; panel: [dimension][lanes]; lanes: a multiple
/// of kLaneStep, at most kGroup. products: [kTileRows][lanes].
void dots(const float* rows, std::size_t stride, const float* panel, std::size_t lanes, std::size_t dimension,
          Ahead ahead, float* products);

/// Rows of floats v as they are stored, which stand for (v - centre) * scale. centre: [row_stride(dimension)], zero
/// beyond dimension.
struct FloatRows {
  const float* const* rows;  // kTileRows of them
  const float* centre;
  float scale;
};

/// The same for few queries, the rows being the lanes. queries: [kFewQueries][row_stride(dimension)], zero beyond
/// dimension; count <= kFewQueries. products: [kTileRows][kLaneStep].
void dots_few(const FloatRows& rows, Ahead ahead, const float* queries, std::size_t count, std::size_t dimension,
              float* products);

/// The same, straight from 8-bit rows.
/// shifted_centre: 2^23 + centre, [row_stride(dimension)].
void dots_few(const std::uint8_t* const* rows, Ahead ahead, const float* shifted_centre, const float* queries,
              std::size_t count, std::size_t dimension, float* products);

/// products: dots, turned into s = x.y - |y|^2/2. candidates[j], bit q: s of row j is floors[q] or more.
/// half_norms: |y|^2/2 a row, +inf where there is no row. products: [kTileRows][lanes]; floors: [lanes].
void screen(float* products, const float* half_norms, const float* floors, std::size_t lanes,
            std::uint64_t* candidates);

/// Softmax over rows as they stream by, for one group of queries. With s = x.y - |y|^2/2 + sigma^2 log pi (so that
/// s / sigma^2 is the logit but for a constant of the query) and m the largest s so far, p = exp((s - m) / sigma^2).
struct alignas(64) Softmax {
  using Lanes = std::array<float, kGroup>;
  // Of the queries.
  Lanes variance;          // sigma^2
  Lanes inverse_variance;  // 1 / sigma^2
  Lanes margin;            // rows with s >= m - margin are candidates; -inf: none
  Lanes threshold;         // and rows with s >= threshold; +inf: none
  // Running.
  Lanes largest;  // m, to begin with kNothing; kAbsent for lanes without a query
  // Of the last tile, p relative to the new m.
  Lanes rescale;                                    // exp((old m - new m) / sigma^2)
  Lanes sum;                                        // sum p
  Lanes energy;                                     // sum p log p
  Lanes square;                                     // sum p^2
  Lanes distance;                                   // sum p |y|^2 / 2
  std::array<std::uint64_t, kTileRows> active;      // bit q: p of query q is not 0
  std::array<std::uint64_t, kTileRows> candidates;  // bit q: the row is a candidate of query q

  static constexpr float kNothing = -3e38F;
  static constexpr float kAbsent = 3e38F;
};

/// Rows whose p is below exp(-kNegligible) = 2e-16 count as nothing.
inline constexpr float kNegligible = 36.0F;

/// products: dots, turned into s; weights: p. Both [kTileRows][lanes]. half_norms: |y|^2/2 a row, +inf where there is
/// no row. log_weights: log pi a row, or null for equal ones.
void softmax(float* products, float* weights, const float* half_norms, const float* log_weights, std::size_t lanes,
             Softmax& state);

/// sums(q) = sums(q) * state.rescale[q] + sum_j weights(j, q) rows[j], over the active rows in order. count: queries.
/// rows: kTileRows x stride; sums: [slab][kGroup][kSlab], dimension rounded up to slabs.
void add_weighted(const float* rows, std::size_t stride, const float* weights, std::size_t lanes, std::size_t count,
                  std::size_t dimension, const Softmax& state, float* sums);

/// The same straight from the stored rows, for count <= kFewQueries. sums: [kFewQueries][row_stride(dimension)].
void add_weighted(const FloatRows& rows, const float* weights, std::size_t lanes, std::size_t count,
                  std::size_t dimension, const Softmax& state, float* sums);
void add_weighted(const std::uint8_t* const* rows, const float* centre, const float* weights, std::size_t lanes,
                  std::size_t count, std::size_t dimension, const Softmax& state, float* sums);

/// total = total * scale + part; part = 0.
void fold(double* total, double scale, float* part, std::size_t dimension);

}  // namespace scorefield::tile

#include "scorefield/kernel/difference_loops.h"

#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/kernel/difference_loops.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace scorefield {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<double, kRowPadding>;
using Vector = hn::Vec<Tag>;

constexpr std::size_t kRun = 16;  // vectors summed in double before they are folded

/// R rows of y against Q rows of x: 8 independent chains fill two FMA ports of latency 4.
template <std::size_t R, std::size_t Q>
HWY_INLINE void distance_tile(RowsView<const double> x, RowsView<const double> y, long double* out,
                              std::size_t out_stride) {
  const Tag tag;
  const std::size_t lanes = hn::Lanes(tag);
  Vector high[R * Q], low[R * Q];
  for (std::size_t p = 0; p < R * Q; ++p) high[p] = low[p] = hn::Zero(tag);
  for (std::size_t begin = 0; begin < x.cols; begin += kRun * lanes) {
    const std::size_t end = HWY_MIN(x.cols, begin + kRun * lanes);
    Vector sum[R * Q];
    for (std::size_t p = 0; p < R * Q; ++p) sum[p] = hn::Zero(tag);
    for (std::size_t k = begin; k < end; k += lanes) {
      Vector state[Q];
      for (std::size_t i = 0; i < Q; ++i) state[i] = hn::LoadU(tag, x.data + i * x.stride + k);
      for (std::size_t j = 0; j < R; ++j) {
        const Vector row = hn::LoadU(tag, y.data + j * y.stride + k);
        for (std::size_t i = 0; i < Q; ++i) {
          const Vector difference = hn::Sub(state[i], row);
          sum[j * Q + i] = hn::MulAdd(difference, difference, sum[j * Q + i]);
        }
      }
    }
    // Two-sum (Knuth): high + sum = total + what `low` takes, exactly.
    for (std::size_t p = 0; p < R * Q; ++p) {
      const Vector total = hn::Add(high[p], sum[p]);
      const Vector part = hn::Sub(total, high[p]);
      low[p] = hn::Add(low[p], hn::Add(hn::Sub(high[p], hn::Sub(total, part)), hn::Sub(sum[p], part)));
      high[p] = total;
    }
  }
  for (std::size_t p = 0; p < R * Q; ++p) {
    std::array<double, 2 * kRowPadding> parts;
    hn::StoreU(high[p], tag, parts.data());
    hn::StoreU(low[p], tag, parts.data() + lanes);
    long double square = 0;
    for (std::size_t l = 0; l < 2 * lanes; ++l) square += parts[l];
    out[p / Q * out_stride + p % Q] = square;
  }
}

template <std::size_t R>
void distance_rows(RowsView<const double> x, RowsView<const double> y, long double* out) {
  std::size_t i = 0;
  for (; i + 2 <= x.rows; i += 2) distance_tile<R, 2>(x.slice(i, 2), y, out + i, x.rows);
  if (i < x.rows) distance_tile<R, 1>(x.slice(i, 1), y, out + i, x.rows);
}

void squared_distances_simd(RowsView<const double> x, RowsView<const double> y, long double* out) {
  std::size_t j = 0;
  for (; j + 4 <= y.rows; j += 4) distance_rows<4>(x, y.slice(j, 4), out + j * x.rows);
  for (; j < y.rows; ++j) distance_rows<1>(x, y.slice(j, 1), out + j * x.rows);
}

void add_weighted_rows_simd(RowsView<const double> y, std::span<const std::size_t> rows, const double* weights,
                            double* sum) {
  const Tag tag;
  std::size_t j = 0;
  for (; j + 4 <= rows.size(); j += 4) {
    const Vector w0 = hn::Set(tag, weights[j]), w1 = hn::Set(tag, weights[j + 1]);
    const Vector w2 = hn::Set(tag, weights[j + 2]), w3 = hn::Set(tag, weights[j + 3]);
    const double* y0 = y[rows[j]].data();
    const double* y1 = y[rows[j + 1]].data();
    const double* y2 = y[rows[j + 2]].data();
    const double* y3 = y[rows[j + 3]].data();
    for (std::size_t k = 0; k < y.cols; k += hn::Lanes(tag)) {
      Vector s = hn::MulAdd(w0, hn::LoadU(tag, y0 + k), hn::LoadU(tag, sum + k));
      s = hn::MulAdd(w1, hn::LoadU(tag, y1 + k), s);
      s = hn::MulAdd(w2, hn::LoadU(tag, y2 + k), s);
      hn::StoreU(hn::MulAdd(w3, hn::LoadU(tag, y3 + k), s), tag, sum + k);
    }
  }
  for (; j < rows.size(); ++j) {
    const Vector w = hn::Set(tag, weights[j]);
    const double* row = y[rows[j]].data();
    for (std::size_t k = 0; k < y.cols; k += hn::Lanes(tag)) {
      hn::StoreU(hn::MulAdd(w, hn::LoadU(tag, row + k), hn::LoadU(tag, sum + k)), tag, sum + k);
    }
  }
}

void fold_scaled_simd(std::span<double> to, double to_scale, const double* from, double from_scale) {
  const Tag tag;
  const Vector a = hn::Set(tag, to_scale), b = hn::Set(tag, from_scale);
  for (std::size_t k = 0; k < to.size(); k += hn::Lanes(tag)) {
    const Vector added = hn::Mul(hn::LoadU(tag, from + k), b);
    hn::StoreU(hn::MulAdd(hn::LoadU(tag, to.data() + k), a, added), tag, to.data() + k);
  }
}

DifferenceTerms difference_terms_simd(std::span<const double> y, const double* centre, const double* v) {
  const Tag tag;
  Vector square = hn::Zero(tag), dot = hn::Zero(tag);
  for (std::size_t k = 0; k < y.size(); k += hn::Lanes(tag)) {
    const Vector difference = hn::Sub(hn::LoadU(tag, y.data() + k), hn::LoadU(tag, centre + k));
    square = hn::MulAdd(difference, difference, square);
    dot = hn::MulAdd(difference, hn::LoadU(tag, v + k), dot);
  }
  return {hn::GetLane(hn::SumOfLanes(tag, square)), hn::GetLane(hn::SumOfLanes(tag, dot))};
}

void add_scaled_difference_simd(double scale, std::span<const double> y, const double* centre, double* sum) {
  const Tag tag;
  const Vector s = hn::Set(tag, scale);
  for (std::size_t k = 0; k < y.size(); k += hn::Lanes(tag)) {
    const Vector difference = hn::Sub(hn::LoadU(tag, y.data() + k), hn::LoadU(tag, centre + k));
    hn::StoreU(hn::MulAdd(s, difference, hn::LoadU(tag, sum + k)), tag, sum + k);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace scorefield
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield {
namespace {

HWY_EXPORT(squared_distances_simd);
HWY_EXPORT(add_weighted_rows_simd);
HWY_EXPORT(fold_scaled_simd);
HWY_EXPORT(difference_terms_simd);
HWY_EXPORT(add_scaled_difference_simd);

}  // namespace

void squared_distances(RowsView<const double> x, RowsView<const double> y, std::span<long double> out) {
  HWY_DYNAMIC_DISPATCH(squared_distances_simd)(x, y, out.data());
}

void add_weighted_rows(RowsView<const double> y, std::span<const std::size_t> rows, std::span<const double> weights,
                       std::span<double> sum) {
  HWY_DYNAMIC_DISPATCH(add_weighted_rows_simd)(y, rows, weights.data(), sum.data());
}

void fold_scaled(std::span<double> to, double to_scale, std::span<const double> from, double from_scale) {
  HWY_DYNAMIC_DISPATCH(fold_scaled_simd)(to, to_scale, from.data(), from_scale);
}

DifferenceTerms difference_terms(std::span<const double> y, std::span<const double> centre, std::span<const double> v) {
  return HWY_DYNAMIC_DISPATCH(difference_terms_simd)(y, centre.data(), v.data());
}

void add_scaled_difference(double scale, std::span<const double> y, std::span<const double> centre,
                           std::span<double> sum) {
  HWY_DYNAMIC_DISPATCH(add_scaled_difference_simd)(scale, y, centre.data(), sum.data());
}

}  // namespace scorefield
#endif

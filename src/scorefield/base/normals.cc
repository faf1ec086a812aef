#include "scorefield/base/normals.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "scorefield/base/normal_quantile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/base/normals.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace scorefield::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void FillNormals(std::uint64_t seed, Purpose purpose, std::uint64_t node, std::uint64_t first, double* out,
                 std::size_t count) {
  const RandomStream stream(seed, purpose, node);
  for (std::size_t k = 0; k < count; ++k) out[k] = normal_quantile(stream.uniform(first + k));
}

#else

namespace {

namespace hn = hwy::HWY_NAMESPACE;
using F64 = hn::ScalableTag<double>;
using U64 = hn::ScalableTag<std::uint64_t>;
using U32 = hn::Repartition<std::uint32_t, U64>;

// Numbers a chunk: its scratch stays in the first-level cache, and its tails fill vectors.
constexpr std::size_t kChunk = 1024;

/// A vector of Philox blocks, one a 64-bit lane; each lane carries one 32-bit word of the state. The upper halves hold
/// remains of earlier products: multiplication and the final shifts ignore them.
struct Blocks {
  hn::Vec<U64> c0, c1, c2, c3;
};

HWY_INLINE void Round(Blocks& x, std::uint32_t key0, std::uint32_t key1) {
  const U64 du;
  const U32 d32;
  const auto multiplier0 = hn::BitCast(d32, hn::Set(du, 0xD2511F53u));
  const auto multiplier1 = hn::BitCast(d32, hn::Set(du, 0xCD9E8D57u));
  const auto product0 = hn::MulEven(hn::BitCast(d32, x.c0), multiplier0);
  const auto product1 = hn::MulEven(hn::BitCast(d32, x.c2), multiplier1);
  x.c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), x.c1), hn::Set(du, key0));
  x.c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), x.c3), hn::Set(du, key1));
  x.c1 = product1;
  x.c3 = product0;
}

/// The uniform of two words less 1/2: 52 bits under the exponent of 1 make a number in [1, 2); every step is exact.
HWY_INLINE hn::Vec<F64> Centred(hn::Vec<U64> low, hn::Vec<U64> high) {
  const U64 du;
  const F64 df;
  const auto low_word = hn::And(low, hn::Set(du, 0xffffffffu));
  const auto bits = hn::ShiftRight<12>(hn::Or(low_word, hn::ShiftLeft<32>(high)));
  const auto one_to_two = hn::BitCast(df, hn::Or(bits, hn::Set(du, 0x3ff0000000000000u)));
  return hn::Add(hn::Sub(one_to_two, hn::Set(df, 1.5)), hn::Set(df, 0x1p-53));
}

/// q = p - 1/2 for the uniforms p of 2 * blocks elements, as RandomStream::uniform gives them. `blocks` is a multiple
/// of 4 vectors.
void Uniforms(std::uint64_t seed, Purpose purpose, std::uint64_t node, std::uint64_t first_block, std::size_t blocks,
              double* HWY_RESTRICT q) {
  const U64 du;
  const F64 df;
  const std::size_t lanes = hn::Lanes(du);
  auto block = hn::Iota(du, first_block);
  const auto next = hn::Set(du, lanes);
  // A round waits some 6 cycles for its own product: four vectors at a time keep the multipliers busy.
  for (std::size_t b = 0; b < blocks; b += 4 * lanes) {
    Blocks x[4];
    for (Blocks& y : x) {
      y.c0 = block;
      y.c1 = hn::Or(hn::ShiftRight<32>(block), hn::Set(du, static_cast<std::uint64_t>(purpose) << 16));
      y.c2 = hn::Set(du, node);
      y.c3 = hn::Set(du, node >> 32);
      block = hn::Add(block, next);
    }
    auto key0 = static_cast<std::uint32_t>(seed);
    auto key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
      Round(x[0], key0, key1);
      Round(x[1], key0, key1);
      Round(x[2], key0, key1);
      Round(x[3], key0, key1);
    }
    for (std::size_t v = 0; v < 4; ++v) {
      hn::StoreInterleaved2(Centred(x[v].c0, x[v].c1), Centred(x[v].c2, x[v].c3), df, q + 2 * (b + v * lanes));
    }
  }
}

template <class V>
HWY_INLINE V Horner(const NormalQuantile::Coefficients& c, V x) {
  const F64 d;
  auto sum = hn::Set(d, c[7]);
  // Not MulAdd: fused products would give other bits where the machine has them.
  for (std::size_t k = 7; k-- > 0;) sum = hn::Add(hn::Mul(sum, x), hn::Set(d, c[k]));
  return sum;
}

/// portable_log in every lane.
template <class V>
HWY_INLINE V Log(V x) {
  const F64 df;
  const U64 du;
  const hn::RebindToSigned<U64> di;
  const auto bits = hn::BitCast(du, x);
  auto exponent = hn::Sub(hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<52>(bits))), hn::Set(df, 1023));
  auto m = hn::BitCast(df, hn::Or(hn::And(bits, hn::Set(du, 0xfffffffffffffu)), hn::Set(du, 0x3ff0000000000000u)));
  const auto large = hn::Gt(m, hn::Set(df, 1.4142135623730951));
  const auto one = hn::Set(df, 1.0);
  m = hn::IfThenElse(large, hn::Mul(m, hn::Set(df, 0.5)), m);
  exponent = hn::IfThenElse(large, hn::Add(exponent, one), exponent);
  const auto s = hn::Div(hn::Sub(m, one), hn::Add(m, one));
  const auto q = hn::Mul(s, s);
  auto series = hn::Zero(df);
  for (int k = 10; k >= 0; --k) series = hn::Add(hn::Mul(series, q), hn::Set(df, 1.0 / (2 * k + 1)));
  return hn::Add(hn::Mul(exponent, hn::Set(df, 0.69314718055994530942)), hn::Mul(hn::Mul(hn::Set(df, 2.0), s), series));
}

/// z[i] = the normal quantile of q[i] + 1/2. n is a multiple of the lanes. The centre holds 85 of 100; the others are
/// gathered and done together.
void Quantiles(const double* HWY_RESTRICT q, std::size_t n, double* HWY_RESTRICT z) {
  using Q = NormalQuantile;
  const F64 df;
  const std::size_t lanes = hn::Lanes(df);
  for (std::size_t i = 0; i < n; i += lanes) {
    const auto x = hn::Load(df, q + i);
    const auto r = hn::Sub(hn::Set(df, Q::kCentreSquared), hn::Mul(x, x));
    hn::Store(hn::Div(hn::Mul(x, Horner(Q::kCentreOver, r)), Horner(Q::kCentreUnder, r)), df, z + i);
  }
  // Without a branch, as which ones are outside cannot be foreseen. Not CompressStore, microcoded on Zen 4 and 5, nor
  // Compress, for which Highway 1.0 copies a table each time.
  HWY_ALIGN double tail_q[kChunk + hn::MaxLanes(df)];
  std::uint32_t tail_place[kChunk + 1];
  std::size_t tails = 0;
  for (std::size_t i = 0; i < n; ++i) {
    tail_q[tails] = q[i];
    tail_place[tails] = static_cast<std::uint32_t>(i);
    tails += static_cast<std::size_t>(std::abs(q[i]) > Q::kCentre);
  }
  HWY_ALIGN double tail_z[hn::MaxLanes(df)];
  for (std::size_t i = 0; i < tails; i += lanes) {
    const std::size_t count = std::min(lanes, tails - i);
    for (std::size_t k = count; k < lanes; ++k) tail_q[i + k] = 0.45;
    const auto x = hn::Load(df, tail_q + i);
    const auto r = hn::Sqrt(hn::Neg(Log(hn::Sub(hn::Set(df, 0.5), hn::Abs(x)))));
    const auto y = hn::Sub(r, hn::Set(df, 1.6));
    hn::Store(hn::CopySign(hn::Div(Horner(Q::kTailOver, y), Horner(Q::kTailUnder, y)), x), df, tail_z);
    // Once in 4e10 numbers.
    const bool any_far = !hn::AllFalse(df, hn::Gt(r, hn::Set(df, 5.0)));
    for (std::size_t k = 0; k < count; ++k) {
      z[tail_place[i + k]] = any_far ? normal_quantile(tail_q[i + k] + 0.5) : tail_z[k];
    }
  }
}

}  // namespace

void FillNormals(std::uint64_t seed, Purpose purpose, std::uint64_t node, std::uint64_t first, double* out,
                 std::size_t count) {
  const std::size_t lanes = hn::Lanes(F64());
  HWY_ALIGN double q[kChunk];
  HWY_ALIGN double z[kChunk];
  const std::size_t step = 8 * lanes;  // Uniforms' four vectors of two elements a lane
  // A block makes two elements; an odd start skips the first of them.
  std::uint64_t block = first / 2;
  std::size_t skip = first % 2;
  while (count > 0) {
    const std::size_t wanted = std::min(kChunk, skip + count);
    const std::size_t whole = std::min(kChunk, (wanted + step - 1) / step * step);
    Uniforms(seed, purpose, node, block, whole / 2, q);
    Quantiles(q, whole, z);
    std::copy(z + skip, z + wanted, out);
    out += wanted - skip;
    count -= wanted - skip;
    block += kChunk / 2;
    skip = 0;
  }
}

#endif  // HWY_SCALAR

}  // namespace scorefield::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield {

HWY_EXPORT(FillNormals);

void fill_normals(std::uint64_t seed, Purpose purpose, std::uint64_t node, std::uint64_t first, std::span<double> out) {
  // The vectors make at least 64 numbers at a time, which takes as long as 12 one by one: a Brownian path in the plane
  // asks for 2.
  constexpr std::size_t kFew = 12;
  if (out.size() <= kFew) {
    const RandomStream stream(seed, purpose, node);
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = normal_quantile(stream.uniform(first + k));
    return;
  }
  HWY_DYNAMIC_DISPATCH(FillNormals)(seed, purpose, node, first, out.data(), out.size());
}

}  // namespace scorefield
#endif

#include "scorefield/kernel/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/kernel/tile_softmax.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace scorefield::tile::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
constexpr std::size_t kN = hn::MaxLanes(F());

/// exp(t) for t <= 0, relative error below 2e-7; 0 below -kNegligible. t = n log 2 + r, |r| <= log(2)/2; the Taylor
/// polynomial of degree 7 is off by r^8/8! < 5.2e-9. Fused operations in one order: the same bits on every FMA target.
HWY_INLINE hn::Vec<F> exp_or_zero(hn::Vec<F> t) {
  const F f;
  const hn::RebindToSigned<F> i;
  const auto negligible = hn::Set(f, -kNegligible);
  const auto clamped = hn::Max(t, negligible);
  // Adding 1.5 * 2^23 rounds to an integer, which stays in the low bits.
  const auto magic = hn::Set(f, 12582912.0F);
  const auto shifted = hn::MulAdd(clamped, hn::Set(f, 1.44269504088896341F), magic);
  const auto n = hn::Sub(shifted, magic);
  // log 2 in two parts, the first with zeros at its end.
  auto r = hn::NegMulAdd(n, hn::Set(f, 0.693145751953125F), clamped);
  r = hn::NegMulAdd(n, hn::Set(f, 1.428606765330187e-6F), r);
  auto p = hn::Set(f, 1.0F / 5040.0F);
  p = hn::MulAdd(p, r, hn::Set(f, 1.0F / 720.0F));
  p = hn::MulAdd(p, r, hn::Set(f, 1.0F / 120.0F));
  p = hn::MulAdd(p, r, hn::Set(f, 1.0F / 24.0F));
  p = hn::MulAdd(p, r, hn::Set(f, 1.0F / 6.0F));
  p = hn::MulAdd(p, r, hn::Set(f, 0.5F));
  p = hn::MulAdd(p, r, hn::Set(f, 1.0F));
  p = hn::MulAdd(p, r, hn::Set(f, 1.0F));
  // 2^n enters the exponent; -52 <= n <= 0 stays in range.
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(i, shifted));
  const auto scaled = hn::BitCast(f, hn::Add(hn::BitCast(i, p), exponent));
  return hn::IfThenElseZero(hn::Gt(t, negligible), scaled);
}

/// The mask of one vector, shifted to its place among the lanes.
HWY_INLINE std::uint64_t bits_at(hn::Mask<F> mask, std::size_t lane) {
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(F(), mask, bytes);
  std::uint64_t bits = 0;
  hwy::CopyBytes<8>(bytes, &bits);
  return bits << lane;
}

void SoftmaxTile(float* HWY_RESTRICT products, float* HWY_RESTRICT weights, const float* HWY_RESTRICT half_norms,
                 const float* HWY_RESTRICT log_weights, std::size_t lanes, Softmax& state) {
  const F f;
  state.active.fill(0);
  state.candidates.fill(0);
  for (std::size_t lane = 0; lane < lanes; lane += kN) {
    const auto old_largest = hn::Load(f, state.largest.data() + lane);
    const auto variance = hn::Load(f, state.variance.data() + lane);
    const auto inverse_variance = hn::Load(f, state.inverse_variance.data() + lane);
    auto largest = old_largest;
    for (std::size_t j = 0; j < kTileRows; ++j) {
      auto s = hn::Sub(hn::LoadU(f, products + j * lanes + lane), hn::Set(f, half_norms[j]));
      if (log_weights != nullptr) s = hn::MulAdd(variance, hn::Set(f, log_weights[j]), s);
      hn::StoreU(s, f, products + j * lanes + lane);
      largest = hn::Max(largest, s);
    }
    const auto candidate_floor =
        hn::Min(hn::Sub(largest, hn::Load(f, state.margin.data() + lane)), hn::Load(f, state.threshold.data() + lane));
    auto sum = hn::Zero(f);
    auto energy = hn::Zero(f);
    auto square = hn::Zero(f);
    auto distance = hn::Zero(f);
    for (std::size_t j = 0; j < kTileRows; ++j) {
      const auto s = hn::LoadU(f, products + j * lanes + lane);
      const auto t = hn::Max(hn::Mul(hn::Sub(s, largest), inverse_variance), hn::Set(f, -2 * kNegligible));
      const auto p = exp_or_zero(t);
      hn::StoreU(p, f, weights + j * lanes + lane);
      const auto active = hn::Gt(p, hn::Zero(f));
      state.candidates[j] |= bits_at(hn::Ge(s, candidate_floor), lane);
      if (hn::AllFalse(f, active)) continue;
      state.active[j] |= bits_at(active, lane);
      sum = hn::Add(sum, p);
      energy = hn::MulAdd(p, t, energy);
      square = hn::MulAdd(p, p, square);
      distance = hn::MulAdd(p, hn::Set(f, half_norms[j]), distance);
    }
    hn::Store(largest, f, state.largest.data() + lane);
    hn::Store(exp_or_zero(hn::Mul(hn::Sub(old_largest, largest), inverse_variance)), f, state.rescale.data() + lane);
    hn::Store(sum, f, state.sum.data() + lane);
    hn::Store(energy, f, state.energy.data() + lane);
    hn::Store(square, f, state.square.data() + lane);
    hn::Store(distance, f, state.distance.data() + lane);
  }
}

}  // namespace scorefield::tile::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield::tile {

HWY_EXPORT(SoftmaxTile);

void softmax(float* products, float* weights, const float* half_norms, const float* log_weights, std::size_t lanes,
             Softmax& state) {
  HWY_DYNAMIC_DISPATCH(SoftmaxTile)(products, weights, half_norms, log_weights, lanes, state);
}

}  // namespace scorefield::tile
#endif

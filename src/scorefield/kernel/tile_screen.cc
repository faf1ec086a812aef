#include "scorefield/kernel/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/kernel/tile_screen.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace scorefield::tile::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void ScreenTile(float* HWY_RESTRICT products, const float* HWY_RESTRICT half_norms, const float* HWY_RESTRICT floors,
                std::size_t lanes, std::uint64_t* HWY_RESTRICT candidates) {
  const hn::ScalableTag<float> f;
  constexpr std::size_t kN = hn::MaxLanes(f);
  for (std::size_t j = 0; j < kTileRows; ++j) {
    std::uint64_t bits = 0;
    for (std::size_t lane = 0; lane < lanes; lane += kN) {
      float* product = products + j * lanes + lane;
      const auto s = hn::Sub(hn::LoadU(f, product), hn::Set(f, half_norms[j]));
      hn::StoreU(s, f, product);
      std::uint8_t bytes[8] = {};
      hn::StoreMaskBits(f, hn::Ge(s, hn::LoadU(f, floors + lane)), bytes);
      std::uint64_t some = 0;
      hwy::CopyBytes<8>(bytes, &some);
      bits |= some << lane;
    }
    candidates[j] = bits;
  }
}

}  // namespace scorefield::tile::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield::tile {

HWY_EXPORT(ScreenTile);

void screen(float* products, const float* half_norms, const float* floors, std::size_t lanes,
            std::uint64_t* candidates) {
  HWY_DYNAMIC_DISPATCH(ScreenTile)(products, half_norms, floors, lanes, candidates);
}

}  // namespace scorefield::tile
#endif

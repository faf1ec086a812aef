#include "scorefield/run/colors.h"

#include <algorithm>
#include <array>

namespace scorefield {
namespace {

constexpr Color from_bytes(int red, int green, int blue) {
  return {red / 255.0, green / 255.0, blue / 255.0, 1.0};
}

// The seven of Okabe and Ito that show on white, then three of Tol's that stay apart from them.
constexpr std::array<Color, 10> kPalette = {
    from_bytes(0, 114, 178),  from_bytes(213, 94, 0),   from_bytes(0, 158, 115), from_bytes(204, 121, 167),
    from_bytes(230, 159, 0),  from_bytes(86, 180, 233), from_bytes(70, 70, 75),  from_bytes(136, 34, 85),
    from_bytes(153, 153, 51), from_bytes(51, 34, 136)};

// Ten even stops; straight lines between them differ from the original by less than the eye tells.
constexpr std::array<Color, 10> kViridis = {
    from_bytes(68, 1, 84),    from_bytes(72, 40, 120),  from_bytes(62, 74, 137),  from_bytes(49, 104, 142),
    from_bytes(38, 130, 142), from_bytes(31, 158, 137), from_bytes(53, 183, 121), from_bytes(109, 205, 89),
    from_bytes(180, 222, 44), from_bytes(253, 231, 37)};

}  // namespace

Color series_color(const Panel& panel, std::size_t index) {
  const int asked = panel.series[index].color;
  if (asked >= 0) return kPalette[static_cast<std::size_t>(asked) % kPalette.size()];
  const auto before = panel.series.begin() + static_cast<std::ptrdiff_t>(index);
  const auto place = std::count_if(panel.series.begin(), before, [](const Series& s) { return s.color < 0; });
  return kPalette[static_cast<std::size_t>(place) % kPalette.size()];
}

Color viridis(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * (kViridis.size() - 1);
  const std::size_t stop = std::min(static_cast<std::size_t>(place), kViridis.size() - 2);
  const double t = place - static_cast<double>(stop);
  const Color& a = kViridis[stop];
  const Color& b = kViridis[stop + 1];
  return {a.red + t * (b.red - a.red), a.green + t * (b.green - a.green), a.blue + t * (b.blue - a.blue), 1.0};
}

}  // namespace scorefield

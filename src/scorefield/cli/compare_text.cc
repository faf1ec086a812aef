#include "scorefield/cli/compare_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace scorefield {
namespace {

constexpr std::size_t kLines = 20;

std::string distance_text(const char* what, const Estimate& distance, double radius) {
  return fmt::format("{} {:.4g} +- {:.2g}, {:.2g} % of the radius", what, distance.value, distance.standard_error,
                     100 * distance.value / radius);
}

}  // namespace

std::string deviation_text(std::span<const NoisedDeviation> noised, const TrajectoryDeviations& runs, double radius) {
  std::string text = fmt::format(
      "mean distances, data units; the rms radius of the data is {:.4g}\n"
      "           | data with noise on them       | runs from the same noise: model x, exact x*\n"
      "{:>10} | {:>9} {:>9} {:>9} | {:>9} {:>9} {:>9} {:>9}\n",
      radius, "sigma", "|D-D*|", "|D-x0|", "|D*-x0|", "|x-x*|", "D(x)-D*(x*)", "on x", "on x*");
  const std::size_t every = (runs.levels.size() + kLines - 1) / kLines;
  for (std::size_t n = 0; n < runs.levels.size(); ++n) {
    if (n % every != 0 && n + 1 < runs.levels.size()) continue;
    const TrajectoryDeviation& run = runs.levels[n];
    text += fmt::format("{:>10.4g} | {:>9.4g} {:>9.4g} {:>9.4g} | {:>9.4g} {:>11.4g} {:>9.4g} {:>9.4g}\n", run.sigma,
                        noised[n].apart.value, noised[n].model_error.value, noised[n].exact_error.value,
                        run.states.value, run.denoised.value, run.on_model.value, run.on_exact.value);
  }
  const auto peak = std::ranges::max_element(runs.levels, {}, [](const auto& level) { return level.on_exact.value; });
  text += fmt::format("{} (sigma = {:.3g})\n",
                      distance_text("furthest from the exact field on its trajectory:", peak->on_exact, radius),
                      peak->sigma);
  text += distance_text("ends of the runs apart:", runs.ends, radius) + "\n";
  return text;
}

}  // namespace scorefield

#include "scorefield/experiment/terminal_law.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scorefield {

std::vector<double> terminal_weights(std::span<const double> points, double start) {
  // The trapezoidal rule for an analytic integrand that decays like exp(-y^2/2): beyond +-10 there is 1e-22 of it, and
  // with a spacing well below the posterior's width its error is exponentially small.
  constexpr double kEnd = 10;
  const double variance = -std::expm1(-2 * start);
  const double spacing = std::min(0.01, 0.02 * variance);
  const auto nodes = static_cast<std::ptrdiff_t>(std::ceil(kEnd / spacing));
  std::vector<double> weights(points.size());
  std::vector<double> posterior(points.size());
  for (std::ptrdiff_t node = -nodes; node <= nodes; ++node) {
    const double y = static_cast<double>(node) * spacing;
    for (std::size_t i = 0; i < points.size(); ++i) {
      posterior[i] = -std::pow(y - std::exp(-start) * points[i], 2) / (2 * variance);
    }
    const double top = *std::max_element(posterior.begin(), posterior.end());
    double sum = 0;
    for (double& p : posterior) sum += p = std::exp(p - top);
    const double mass = spacing * std::exp(-y * y / 2) / std::sqrt(2 * std::numbers::pi);
    for (std::size_t i = 0; i < points.size(); ++i) weights[i] += mass * posterior[i] / sum;
  }
  return weights;
}

}  // namespace scorefield

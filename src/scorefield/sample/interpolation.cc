#include "scorefield/sample/interpolation.h"

#include <array>
#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

/// Gauss-Legendre with 8 nodes on [-1, 1] (Abramowitz and Stegun, table 25.4): exact to degree 15.
constexpr std::array<double, 4> kNodes = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                          0.9602898564975363};
constexpr std::array<double, 4> kWeights = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                            0.1012285362903763};

struct Panel {
  double value = 0;
  double magnitude = 0;  // of |f|
};

Panel gauss_legendre(const std::function<double(double)>& f, double from, double to) {
  const double middle = (from + to) / 2;
  const double half = (to - from) / 2;
  Panel panel;
  for (std::size_t i = 0; i < kNodes.size(); ++i) {
    const double low = f(middle - half * kNodes[i]);
    const double high = f(middle + half * kNodes[i]);
    panel.value += half * kWeights[i] * (low + high);
    panel.magnitude += std::abs(half) * kWeights[i] * (std::abs(low) + std::abs(high));
  }
  return panel;
}

double refine(const std::function<double(double)>& f, double from, double to, const Panel& whole, double allowed,
              int depth) {
  const double middle = (from + to) / 2;
  const Panel left = gauss_legendre(f, from, middle);
  const Panel right = gauss_legendre(f, middle, to);
  if (depth == 0 || !(std::abs(left.value + right.value - whole.value) > allowed)) return left.value + right.value;
  return refine(f, from, middle, left, allowed, depth - 1) + refine(f, middle, to, right, allowed, depth - 1);
}

}  // namespace

double integrate(const std::function<double(double)>& f, double from, double to) {
  constexpr int kMostHalvings = 40;
  const Panel whole = gauss_legendre(f, from, to);
  ensure(std::isfinite(whole.magnitude), "a finite integrand");
  return refine(f, from, to, whole, 1e-15 * whole.magnitude, kMostHalvings);
}

std::vector<double> lagrange_integrals(std::span<const double> nodes, double from, double to,
                                       const std::function<double(double)>& w) {
  std::vector<double> coefficients;
  for (std::size_t j = 0; j < nodes.size(); ++j) {
    const auto basis = [&](double t) {
      double value = w ? w(t) : 1.0;
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (i != j) value *= (t - nodes[i]) / (nodes[j] - nodes[i]);
      }
      return value;
    };
    coefficients.push_back(integrate(basis, from, to));
  }
  return coefficients;
}

std::vector<double> equal_step_weights(std::size_t nodes) {
  std::vector<double> equal;
  for (std::size_t j = 0; j < nodes; ++j) equal.push_back(-static_cast<double>(j));
  return lagrange_integrals(equal, 0, 1);
}

std::vector<double> moment_weights(std::span<const double> nodes, std::span<const double> moments) {
  ensure(nodes.size() == moments.size(), "as many moments as nodes");
  const std::size_t n = nodes.size();
  std::vector<double> w(moments.begin(), moments.end());
  for (std::size_t k = 0; k + 1 < n; ++k) {
    for (std::size_t i = n - 1; i > k; --i) w[i] -= nodes[k] * w[i - 1];
  }
  for (std::size_t k = n - 1; k-- > 0;) {
    for (std::size_t i = k + 1; i < n; ++i) w[i] /= nodes[i] - nodes[i - k - 1];
    for (std::size_t i = k; i + 1 < n; ++i) w[i] -= w[i + 1];
  }
  return w;
}

}  // namespace scorefield

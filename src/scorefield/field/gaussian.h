// A single Gaussian: the field of a linear denoiser (Wiener's).
#pragma once

#include <vector>

#include "scorefield/field/mixture.h"

namespace scorefield {

/// x_0 ~ N(mean, C): D = mean + C (C + sigma^2)^-1 (x - mean), all in closed form. Entropy, effective sample size and
/// top rows speak of discrete posterior weights, which a Gaussian does not have: they are not offered.
class Gaussian final : public Field {
 public:
  /// mean: [d], data units. Throws Error when the dimensions differ or a value is not finite.
  Gaussian(std::vector<double> mean, Covariance covariance);

  std::size_t dimension() const override { return one_.dimension(); }
  Capabilities capabilities() const override;
  std::span<const double> mean() const override { return one_.mean(); }
  double variance() const override { return one_.variance(); }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;
  void draw(std::uint64_t seed, int label, std::span<double> out) const override { one_.draw(seed, label, out); }

 private:
  GaussianMixture one_;
};

}  // namespace scorefield

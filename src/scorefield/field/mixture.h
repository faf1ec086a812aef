// A mixture of Gaussians: every answer in closed form (docs/theory/mixture.md).
#pragma once

#include <cstdint>
#include <vector>

#include "scorefield/field/covariance.h"
#include "scorefield/field/field.h"

namespace scorefield {

struct GaussianComponent {
  double weight = 1;         // up to a common factor
  std::vector<double> mean;  // [d], data units
  Covariance covariance = Covariance::isotropic(0, 0);
  int label = -1;  // class of the component; -1: none
};

/// x_0 ~ sum_k pi_k N(mu_k, C_k). Smoothed by sigma it is sum_k pi_k N(mu_k, C_k + sigma^2 I), so with
///   w_k ~ pi_k N(x; mu_k, C_k + sigma^2 I),   D_k = mu_k + C_k (C_k + sigma^2)^-1 (x - mu_k):
///   D = sum_k w_k D_k,   Cov[x_0 | x] = sum_k w_k (sigma^2 C_k (C_k + sigma^2)^-1 + (D_k - D)(D_k - D)^T).
/// A covariance of rank 0 makes a component a point; with points only it is the posterior over rows.
/// What an Answer says of weights, entropy and top rows is about the components.
class GaussianMixture final : public Field {
 public:
  /// Throws Error for no component, differing dimensions, values that are not finite, weights that are negative or sum
  /// to 0, or labels below -1.
  explicit GaussianMixture(std::vector<GaussianComponent> components);

  std::size_t dimension() const override { return mean_.size(); }
  Capabilities capabilities() const override;
  std::span<const double> mean() const override { return mean_; }
  double variance() const override { return variance_; }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;
  void draw(std::uint64_t seed, int label, std::span<double> out) const override;

  const std::vector<GaussianComponent>& components() const { return components_; }
  /// P(class) of a draw, [classes]; empty without labels. Throws Error when only some components have one.
  std::vector<double> class_probabilities() const;

 private:
  /// The components of a class, ascending; all of them for -1. Throws Error for a class without one.
  const std::vector<std::uint32_t>& members(int label) const;

  std::vector<GaussianComponent> components_;        // weights sum to 1
  std::vector<std::vector<std::uint32_t>> members_;  // [1 + classes]: all, then those of each class
  std::vector<double> mean_;
  double variance_ = 0;
};

}  // namespace scorefield

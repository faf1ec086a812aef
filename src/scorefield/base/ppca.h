// Probabilistic principal components (Tipping and Bishop 1999): the Gaussian N(mean, W W^T + noise I) of the largest
// likelihood, W of q columns, in closed form.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/pca.h"

namespace scorefield {

class Ppca {
 public:
  /// Of the rows, each value smeared evenly over `rounding_width` (8-bit data: one step; 0: values are exact), data
  /// units. Its variance width^2/12 joins every coordinate's: the covariance of smeared rows. latent < min(N, d).
  /// Throws Error as principal_components() does, and for rows that lie in `latent` dimensions (with width 0: no
  /// density).
  Ppca(const StoredRows& rows, const Affine& affine, std::size_t latent, double rounding_width, const Context& context);

  std::size_t latent() const { return variances_.size(); }
  const std::vector<double>& mean() const { return mean_; }
  /// Of the covariance along the principal directions, falling; all others have noise(). [q]
  const std::vector<double>& variances() const { return variances_; }
  double noise() const { return noise_; }
  const Rows& vectors() const { return vectors_; }  // [q, d]

  /// E_u log p(x + u), u uniform over the width: a lower bound of the log of the integral over the cell. x: [d], data
  /// units; nats per data unit^d.
  double log_density(std::span<const double> x) const;

 private:
  std::vector<double> mean_;
  std::vector<double> variances_;
  Rows vectors_;
  double noise_ = 0;
  double rounding_variance_ = 0;
};

}  // namespace scorefield

// The Frechet distance: between the Gaussians that have the mean and covariance of two sets.
#pragma once

#include <filesystem>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/metrics/grouped_rows.h"

namespace scorefield {

struct MeanAndCovariance {
  std::vector<double> mean;  // [p]
  Rows covariance;           // [p, p]
};

/// Of rows [N, p]; the covariance divides by N - 1, as EDM's and pytorch-fid's do. Throws Error for fewer than two
/// rows.
MeanAndCovariance mean_and_covariance(RowsView<const double> rows, const Context& context);

/// The arrays `mu` [p] and `sigma` [p, p] of an .npz, as EDM writes them. Throws Error when they are missing, are not
/// floats, disagree in size, hold a value that is not finite, or sigma is not symmetric to 1e-6 of its largest entry.
MeanAndCovariance read_mean_and_covariance(const std::filesystem::path& path, const Context& context);

/// The Frechet distance d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2) (Dowson & Landau 1982; Heusel et al.
/// 2017: FID), the squared 2-Wasserstein distance of the two Gaussians: in squared units of the features. Covariances
/// may be singular: variances below 1e-13 of the largest count as none, which moves d^2 by less than 1e-6 p times it.
/// Of one reference against any number of sets.
class FrechetReference {
 public:
  /// Throws Error when the sizes disagree or the covariance has a negative variance (beyond 1e-6 of the largest).
  explicit FrechetReference(const MeanAndCovariance& moments);
  /// From drawn rows [N, p], whose errors then count in distances.
  FrechetReference(RowsView<const double> rows, const Context& context);

  std::size_t dimension() const { return mean_.size(); }
  double distance(const MeanAndCovariance& other) const;
  /// To the Gaussian of `rows` [M, p]. The standard error is that of the bootstrap to leading order, by the exact
  /// derivative of d^2 in every row (the infinitesimal jackknife: Jaeckel 1972, Efron 1982); d^2 itself is biased
  /// upwards by a term of order 1/N. Throws Error for another p.
  Estimate distance(RowsView<const double> rows, const Context& context) const;

 private:
  std::vector<double> mean_;
  double trace_ = 0;
  std::vector<double> values_;  // [r] the variances that are not none
  Rows vectors_;                // [r, p]
  Rows rows_;                   // [N, p] centred, where the reference was drawn
};

}  // namespace scorefield

// A covariance known by its spectrum: all that closed-form Gaussian fields need of it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "scorefield/base/rows.h"

namespace scorefield {

/// C = sum_j values_j u_j u_j^T + rest (I - sum_j u_j u_j^T), eigen-decomposed once. Every variance may be 0, also all
/// of them (a point). Data units squared.
class Covariance {
 public:
  /// variance I. Throws Error for a variance that is negative or not finite, as all below.
  static Covariance isotropic(std::size_t dimension, double variance);
  static Covariance diagonal(std::vector<double> variances);
  /// c: [d, d]. Throws Error when it is not symmetric to 1e-12 of its largest entry, or has an eigenvalue below -1e-12
  /// of its largest (those in between are rounding, and taken as 0).
  static Covariance full(RowsView<const double> c);
  /// sum_j f_j f_j^T + rest I, f_j the rows of factors [m, d].
  static Covariance low_rank(RowsView<const double> factors, double rest);

  std::size_t dimension() const { return dimension_; }

  /// sum over the spectrum of g(variance): the trace of g(C).
  double trace(const std::function<double(double)>& g) const;
  /// v^T g(C) v.
  double quadratic(const std::function<double(double)>& g, std::span<const double> v) const;
  /// out = g(C) v. v and out: [d], not the same.
  void multiply(const std::function<double(double)>& g, std::span<const double> v, std::span<double> out) const;

 private:
  explicit Covariance(std::size_t dimension) : dimension_(dimension) {}
  /// y = U v, and what the basis leaves of v.
  void project(std::span<const double> v, std::vector<double>& y, std::vector<double>& remainder) const;

  std::size_t dimension_;
  bool axes_ = true;            // the basis is the coordinate axes, values_ holds d or, without a basis, no values
  Rows basis_;                  // [m, d], orthonormal rows
  std::vector<double> values_;  // variances along the basis
  double rest_ = 0;             // variance of everything outside it
};

}  // namespace scorefield

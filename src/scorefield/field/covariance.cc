#include "scorefield/field/covariance.h"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using ConstMatrix =
    Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>>;

constexpr double kRounding = 1e-12;

ConstMatrix matrix(RowsView<const double> rows) {
  return {rows.data, static_cast<Eigen::Index>(rows.rows), static_cast<Eigen::Index>(rows.cols),
          Eigen::OuterStride<>(static_cast<Eigen::Index>(rows.stride))};
}

void check_variance(double variance) {
  if (!(variance >= 0 && std::isfinite(variance))) {
    throw Error(fmt::format("a variance must be finite and not negative, got {}", variance));
  }
}

void check_finite(RowsView<const double> rows, const char* what) {
  for (std::size_t i = 0; i < rows.rows; ++i) {
    for (const double v : rows[i]) {
      if (!std::isfinite(v)) throw Error(fmt::format("row {} of {} holds a value that is not finite ({})", i, what, v));
    }
  }
}

/// In an order that depends on the length alone.
double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

}  // namespace

Covariance Covariance::isotropic(std::size_t dimension, double variance) {
  check_variance(variance);
  Covariance c(dimension);
  c.rest_ = variance;
  return c;
}

Covariance Covariance::diagonal(std::vector<double> variances) {
  for (const double v : variances) check_variance(v);
  Covariance c(variances.size());
  c.values_ = std::move(variances);
  return c;
}

Covariance Covariance::full(RowsView<const double> c) {
  if (c.rows != c.cols) throw Error(fmt::format("a covariance is square, got {} x {}", c.rows, c.cols));
  check_finite(c, "a covariance");
  const ConstMatrix m = matrix(c);
  const double scale = m.cwiseAbs().maxCoeff();
  if (!((m - m.transpose()).cwiseAbs().maxCoeff() <= kRounding * scale)) {
    throw Error("a covariance must be symmetric");
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(m);
  ensure(solver.info() == Eigen::Success, "an eigen-decomposition");
  const double largest = solver.eigenvalues().tail(1)(0);
  if (solver.eigenvalues()(0) < -kRounding * std::max(largest, scale)) {
    throw Error(fmt::format("a covariance must have no negative eigenvalue, found {}", solver.eigenvalues()(0)));
  }
  Covariance out(c.rows);
  out.axes_ = false;
  out.basis_ = Rows(c.rows, c.rows);
  for (std::size_t j = 0; j < c.rows; ++j) {
    const auto column = static_cast<Eigen::Index>(j);
    out.values_.push_back(std::max(0.0, solver.eigenvalues()(column)));
    for (std::size_t k = 0; k < c.rows; ++k) {
      out.basis_(j, k) = solver.eigenvectors()(static_cast<Eigen::Index>(k), column);
    }
  }
  return out;
}

Covariance Covariance::low_rank(RowsView<const double> factors, double rest) {
  check_variance(rest);
  check_finite(factors, "the factors of a covariance");
  Covariance out(factors.cols);
  out.rest_ = rest;
  if (factors.rows == 0) return out;
  // The singular vectors of the factors themselves: their Gram matrix would square the condition number.
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(matrix(factors).transpose(), Eigen::ComputeThinU);
  const std::size_t rank = std::min(factors.rows, factors.cols);
  out.axes_ = false;
  out.basis_ = Rows(rank, factors.cols);
  for (std::size_t j = 0; j < rank; ++j) {
    const auto column = static_cast<Eigen::Index>(j);
    const double value = svd.singularValues()(column);
    out.values_.push_back(value * value + rest);
    for (std::size_t k = 0; k < factors.cols; ++k) {
      out.basis_(j, k) = svd.matrixU()(static_cast<Eigen::Index>(k), column);
    }
  }
  return out;
}

void Covariance::project(std::span<const double> v, std::vector<double>& y, std::vector<double>& remainder) const {
  y.resize(values_.size());
  for (std::size_t j = 0; j < y.size(); ++j) y[j] = dot(basis_[j], v);
  remainder.clear();
  if (values_.size() == dimension_) return;  // nothing is left but rounding
  remainder.assign(v.begin(), v.end());
  for (std::size_t j = 0; j < y.size(); ++j) {
    for (std::size_t k = 0; k < dimension_; ++k) remainder[k] -= y[j] * basis_(j, k);
  }
}

double Covariance::trace(const std::function<double(double)>& g) const {
  const std::size_t outside = dimension_ - values_.size();
  double sum = outside == 0 ? 0 : static_cast<double>(outside) * g(rest_);
  for (const double value : values_) sum += g(value);
  return sum;
}

double Covariance::quadratic(const std::function<double(double)>& g, std::span<const double> v) const {
  if (axes_ && values_.empty()) return g(rest_) * dot(v, v);
  std::vector<double> y;
  std::vector<double> remainder;
  if (!axes_) project(v, y, remainder);
  const std::span<const double> along = axes_ ? v : std::span<const double>(y);
  double sum = remainder.empty() ? 0 : g(rest_) * dot(remainder, remainder);
  for (std::size_t j = 0; j < values_.size(); ++j) sum += g(values_[j]) * along[j] * along[j];
  return sum;
}

void Covariance::multiply(const std::function<double(double)>& g, std::span<const double> v,
                          std::span<double> out) const {
  if (axes_) {
    const double outside = g(rest_);
    for (std::size_t k = 0; k < dimension_; ++k) out[k] = (values_.empty() ? outside : g(values_[k])) * v[k];
    return;
  }
  std::vector<double> y;
  std::vector<double> remainder;
  project(v, y, remainder);
  const double outside = remainder.empty() ? 0 : g(rest_);
  for (std::size_t k = 0; k < dimension_; ++k) out[k] = remainder.empty() ? 0 : outside * remainder[k];
  for (std::size_t j = 0; j < y.size(); ++j) {
    const double scaled = g(values_[j]) * y[j];
    for (std::size_t k = 0; k < dimension_; ++k) out[k] += scaled * basis_(j, k);
  }
}

}  // namespace scorefield

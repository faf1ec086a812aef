#include "scorefield/metrics/frechet.h"

#include <fmt/format.h>

#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "scorefield/base/eigen.h"
#include "scorefield/base/error.h"
#include "scorefield/base/gram.h"
#include "scorefield/data/npz.h"

namespace scorefield {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const Matrix> as_matrix(const Rows& rows) {
  return {rows.data(), static_cast<Eigen::Index>(rows.rows()), static_cast<Eigen::Index>(rows.cols())};
}

Rows centred(RowsView<const double> rows, std::span<const double> mean) {
  Rows result(rows.rows, rows.cols);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    for (std::size_t k = 0; k < rows.cols; ++k) result(i, k) = rows(i, k) - mean[k];
  }
  return result;
}

double trace(const Rows& matrix) {
  double sum = 0;
  for (std::size_t k = 0; k < matrix.rows(); ++k) sum += matrix(k, k);
  return sum;
}

/// The variances of a covariance that are not none, and their directions.
Eigenpairs spectrum_of(const Rows& covariance) {
  Eigenpairs pairs = largest_eigenpairs(covariance, covariance.rows());
  const double largest = std::max(0.0, pairs.values.front());
  if (pairs.values.back() < -1e-6 * largest || pairs.values.front() < 0) {
    throw Error(fmt::format("a covariance with the negative variance {:.3g} (the largest is {:.3g}) is none",
                            pairs.values.back(), pairs.values.front()));
  }
  const auto kept = static_cast<std::size_t>(
      std::ranges::count_if(pairs.values, [largest](double v) { return v > 1e-13 * largest; }));
  pairs.values.resize(kept);
  Rows vectors(kept, covariance.rows());
  std::copy_n(pairs.vectors.data(), kept * vectors.cols(), vectors.data());
  pairs.vectors = std::move(vectors);
  return pairs;
}

/// sqrt(L1) U1 U2^T sqrt(L2), [r1, r2]: its singular values are those of S1^1/2 S2^1/2, without a square to lose
/// digits.
Matrix product_of_roots(const std::vector<double>& values_a, const Rows& vectors_a, const Eigenpairs& b) {
  Matrix product = as_matrix(vectors_a) * as_matrix(b.vectors).transpose();
  for (Eigen::Index i = 0; i < product.rows(); ++i) {
    for (Eigen::Index j = 0; j < product.cols(); ++j) {
      product(i, j) *= std::sqrt(values_a[static_cast<std::size_t>(i)] * b.values[static_cast<std::size_t>(j)]);
    }
  }
  return product;
}

/// Variance of the mean influence of rows on d^2. Row x - m = u has the influence 2 (m - m').u + |u|^2 - u^T T u, where
/// T = S^-1/2 (S^1/2 S' S^1/2)^1/2 S^-1/2 maps this Gaussian onto the other. With S = U^T L U and the singular vectors
/// P and values s of the product of roots, u^T T u = |sqrt(s) P^T L^-1/2 U u|^2. `difference`: m - m'.
double influence_variance(const Rows& u, std::span<const double> difference, const std::vector<double>& values,
                          const Rows& vectors, const Eigen::MatrixXd& singular_vectors,
                          const Eigen::VectorXd& singular_values) {
  Eigen::VectorXd scale(static_cast<Eigen::Index>(values.size()));
  for (std::size_t k = 0; k < values.size(); ++k) scale[static_cast<Eigen::Index>(k)] = 1 / std::sqrt(values[k]);
  const Matrix map = as_matrix(vectors).transpose() * scale.asDiagonal() * singular_vectors *
                     singular_values.cwiseSqrt().asDiagonal();  // [p, r]
  const Matrix transported = as_matrix(u) * map;
  std::vector<double> influence(u.rows());
  double mean = 0;
  for (std::size_t i = 0; i < u.rows(); ++i) {
    const auto row = u[i];
    double value = -transported.row(static_cast<Eigen::Index>(i)).squaredNorm();
    for (std::size_t k = 0; k < row.size(); ++k) value += row[k] * (row[k] + 2 * difference[k]);
    influence[i] = value;
    mean += value / static_cast<double>(u.rows());
  }
  double square = 0;
  for (const double value : influence) square += (value - mean) * (value - mean);
  const auto n = static_cast<double>(u.rows());
  return square / (n * (n - 1));
}

double squared_length(std::span<const double> v) {
  return std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
}

std::vector<double> float_values(const Array& array) {
  std::vector<double> values;
  if (array.type == ScalarType::kF64) {
    const auto given = array.values<double>();
    values.assign(given.begin(), given.end());
  } else if (array.type == ScalarType::kF32) {
    const auto given = array.values<float>();
    values.assign(given.begin(), given.end());
  } else {
    throw Error(
        fmt::format("{}: holds {}; a mean and a covariance are float64 (or float32)", array.name, name_of(array.type)));
  }
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (!std::isfinite(values[k])) throw Error(fmt::format("{}: value {} is not finite", array.name, k));
  }
  return values;
}

}  // namespace

MeanAndCovariance mean_and_covariance(RowsView<const double> rows, const Context& context) {
  if (rows.rows < 2) throw Error(fmt::format("a covariance needs two rows or more, got {}", rows.rows));
  MeanAndCovariance result{std::vector<double>(rows.cols), {}};
  for (std::size_t i = 0; i < rows.rows; ++i) {
    for (std::size_t k = 0; k < rows.cols; ++k) result.mean[k] += rows(i, k);
  }
  for (double& value : result.mean) value /= static_cast<double>(rows.rows);
  const auto read = [&](std::size_t i, std::span<double> out) {
    for (std::size_t k = 0; k < rows.cols; ++k) out[k] = rows(i, k) - result.mean[k];
  };
  result.covariance = gram_matrix(rows.rows, rows.cols, read, context);
  for (double& value : result.covariance.values()) value /= static_cast<double>(rows.rows - 1);
  return result;
}

MeanAndCovariance read_mean_and_covariance(const std::filesystem::path& path, const Context& context) {
  const NpzFile file = open_npz(path);
  const Array mu = file.read("mu", context);
  const Array sigma = file.read("sigma", context);
  const std::size_t p = mu.count();
  if (p == 0 || mu.shape.size() != 1 || sigma.shape != std::vector<std::size_t>{p, p}) {
    throw Error(fmt::format("{}: mu has the shape [{}] and sigma [{}]; they must be [p] and [p, p]", file.name(),
                            fmt::join(mu.shape, ", "), fmt::join(sigma.shape, ", ")));
  }
  context.check_memory(p * p, sizeof(double), "a covariance");
  MeanAndCovariance result{float_values(mu), Rows(p, p)};
  std::ranges::copy(float_values(sigma), result.covariance.data());
  double largest = 0;
  for (const double value : result.covariance.values()) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < p; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      double& lower = result.covariance(i, j);
      double& upper = result.covariance(j, i);
      if (std::abs(lower - upper) > 1e-6 * largest) {
        throw Error(fmt::format("{}: sigma is no covariance: entry [{}, {}] is {:.6g}, but [{}, {}] is {:.6g}",
                                file.name(), i, j, lower, j, i, upper));
      }
      lower = upper = (lower + upper) / 2;
    }
  }
  return result;
}

FrechetReference::FrechetReference(const MeanAndCovariance& moments) : mean_(moments.mean) {
  if (moments.covariance.rows() != mean_.size() || moments.covariance.cols() != mean_.size() || mean_.empty()) {
    throw Error(fmt::format("a mean of {} values does not go with a covariance of [{}, {}]", mean_.size(),
                            moments.covariance.rows(), moments.covariance.cols()));
  }
  Eigenpairs pairs = spectrum_of(moments.covariance);
  trace_ = trace(moments.covariance);
  values_ = std::move(pairs.values);
  vectors_ = std::move(pairs.vectors);
}

FrechetReference::FrechetReference(RowsView<const double> rows, const Context& context)
    : FrechetReference(mean_and_covariance(rows, context)) {
  rows_ = centred(rows, mean_);
}

double FrechetReference::distance(const MeanAndCovariance& other) const {
  if (other.mean.size() != dimension() || other.covariance.rows() != dimension()) {
    throw Error(fmt::format("features of {} values cannot be held against {}", other.mean.size(), dimension()));
  }
  const Eigenpairs pairs = spectrum_of(other.covariance);
  double overlap = 0;
  if (!values_.empty() && !pairs.values.empty()) {
    overlap = Eigen::BDCSVD<Eigen::MatrixXd>(product_of_roots(values_, vectors_, pairs)).singularValues().sum();
  }
  double square = 0;
  for (std::size_t k = 0; k < dimension(); ++k) square += (mean_[k] - other.mean[k]) * (mean_[k] - other.mean[k]);
  return std::max(0.0, square + trace_ + trace(other.covariance) - 2 * overlap);
}

Estimate FrechetReference::distance(RowsView<const double> rows, const Context& context) const {
  if (rows.cols != dimension()) {
    throw Error(fmt::format("features of {} values cannot be held against {}", rows.cols, dimension()));
  }
  const MeanAndCovariance other = mean_and_covariance(rows, context);
  const Eigenpairs pairs = spectrum_of(other.covariance);
  std::vector<double> difference(dimension());  // the reference's mean from that of the rows
  for (std::size_t k = 0; k < dimension(); ++k) difference[k] = other.mean[k] - mean_[k];
  Eigen::MatrixXd left(values_.size(), 0);
  Eigen::MatrixXd right(pairs.values.size(), 0);
  Eigen::VectorXd singular(0);
  if (!values_.empty() && !pairs.values.empty()) {
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(product_of_roots(values_, vectors_, pairs),
                                             Eigen::ComputeThinU | Eigen::ComputeThinV);
    left = svd.matrixU();
    right = svd.matrixV();
    singular = svd.singularValues();
  }
  context.check_cancelled();
  double variance =
      influence_variance(centred(rows, other.mean), difference, pairs.values, pairs.vectors, right, singular);
  if (!rows_.empty()) {
    for (double& value : difference) value = -value;
    variance += influence_variance(rows_, difference, values_, vectors_, left, singular);
  }
  const double square = squared_length(difference) + trace_ + trace(other.covariance) - 2 * singular.sum();
  return {std::max(0.0, square), std::sqrt(variance)};
}

}  // namespace scorefield

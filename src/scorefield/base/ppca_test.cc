// PPCA against the Gaussian density written out, and against the identities of a maximum of the likelihood.
#include "scorefield/base/ppca.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

constexpr std::size_t kRows = 40;
constexpr std::size_t kLength = 5;

/// Correlated rows: normals through a fixed matrix, off centre.
Rows correlated() {
  Rows rows(kRows, kLength);
  RandomStream(7, Purpose::kTest).normals(rows.values());
  for (std::size_t i = 0; i < kRows; ++i) {
    const auto row = rows[i];
    for (std::size_t k = kLength; k-- > 1;) row[k] = (row[k] + 2 * row[k - 1]) / static_cast<double>(k) + 3;
  }
  return rows;
}

Rows covariance_of(const Ppca& model) {
  Rows covariance(kLength, kLength);
  for (std::size_t a = 0; a < kLength; ++a) {
    covariance(a, a) = model.noise();
    for (std::size_t b = 0; b < kLength; ++b) {
      for (std::size_t c = 0; c < model.latent(); ++c) {
        covariance(a, b) += (model.variances()[c] - model.noise()) * model.vectors()(c, a) * model.vectors()(c, b);
      }
    }
  }
  return covariance;
}

/// log N(x; mean, covariance) by Gaussian elimination.
double log_normal(std::span<const double> x, std::span<const double> mean, Rows matrix) {
  std::vector<double> right(kLength);
  std::vector<double> centred(kLength);
  for (std::size_t k = 0; k < kLength; ++k) centred[k] = right[k] = x[k] - mean[k];
  double log_determinant = 0;
  for (std::size_t p = 0; p < kLength; ++p) {
    log_determinant += std::log(matrix(p, p));
    for (std::size_t r = p + 1; r < kLength; ++r) {
      const double factor = matrix(r, p) / matrix(p, p);
      for (std::size_t k = p; k < kLength; ++k) matrix(r, k) -= factor * matrix(p, k);
      right[r] -= factor * right[p];
    }
  }
  for (std::size_t p = kLength; p-- > 0;) {
    for (std::size_t k = p + 1; k < kLength; ++k) right[p] -= matrix(p, k) * right[k];
    right[p] /= matrix(p, p);
  }
  double distance = 0;
  for (std::size_t k = 0; k < kLength; ++k) distance += centred[k] * right[k];
  return -0.5 * (kLength * std::log(2 * std::numbers::pi) + log_determinant + distance);
}

TEST(Ppca, DensityIsThatOfItsGaussianAveragedOverTheRounding) {
  const Rows rows = correlated();
  for (const double width : {0.0, 0.7}) {
    const Ppca model(StoredRows(rows.view()), {}, 2, width, {});
    const Rows covariance = covariance_of(model);
    // A log density is quadratic: the two points of Gauss's rule in each coordinate, +-width/sqrt(12), average it
    // exactly.
    double average = 0;
    for (std::size_t corner = 0; corner < (1U << kLength); ++corner) {
      std::vector<double> x(rows[3].begin(), rows[3].end());
      for (std::size_t k = 0; k < kLength; ++k) {
        x[k] += ((corner >> k & 1U) != 0 ? 1 : -1) * width / std::sqrt(12.0);
      }
      average += log_normal(x, model.mean(), covariance) / (1U << kLength);
    }
    // Rounding of sums of a few hundred terms, the largest some tens.
    EXPECT_NEAR(model.log_density(rows[3]), average, 1e-11);
  }
}

TEST(Ppca, IsTheMaximumOfTheLikelihood) {
  const Rows rows = correlated();
  const double width = 0.7;
  const Ppca model(StoredRows(rows.view()), {}, 2, width, {});
  double mean = 0;
  for (std::size_t i = 0; i < kRows; ++i) mean += model.log_density(rows[i]) / kRows;
  // At the maximum the trace of inverse covariance times that of the (smeared) rows is d (Tipping and Bishop 1999,
  // sect. 3.2).
  const double log_determinant =
      std::log(model.variances()[0]) + std::log(model.variances()[1]) + (kLength - 2) * std::log(model.noise());
  EXPECT_NEAR(mean, -0.5 * (kLength * (std::log(2 * std::numbers::pi) + 1) + log_determinant), 1e-11);
}

TEST(Ppca, UnitsOnlyMoveTheDensityByTheirVolume) {
  const Rows rows = correlated();
  const Affine units{0.25, -3};
  const Ppca stored(StoredRows(rows.view()), {}, 2, 1, {});
  const Ppca scaled(StoredRows(rows.view()), units, 2, 0.25, {});
  std::vector<double> x(kLength);
  for (std::size_t k = 0; k < kLength; ++k) x[k] = units.to_data(rows(5, k));
  EXPECT_NEAR(scaled.log_density(x) + kLength * std::log(0.25), stored.log_density(rows[5]), 1e-11);
}

TEST(Ppca, RefusesRowsWithoutADensityAndTooManyLatents) {
  Rows line(4, 3);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t k = 0; k < 3; ++k) line(i, k) = static_cast<double>(i * (k + 1));
  }
  EXPECT_THROW(Ppca(StoredRows(line.view()), {}, 1, 0, {}), Error);
  EXPECT_NO_THROW(Ppca(StoredRows(line.view()), {}, 1, 0.1, {}));
  EXPECT_THROW(Ppca(StoredRows(line.view()), {}, 3, 0.1, {}), Error);
}

}  // namespace
}  // namespace scorefield

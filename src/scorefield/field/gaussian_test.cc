#include "scorefield/field/gaussian.h"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <limits>
#include <numbers>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t kDimension = 5;
constexpr std::size_t kRank = 2;

Rows factors() {
  Rows f(kRank, kDimension);
  RandomStream(3, Purpose::kTest).normals(f.values());
  return f;
}

RowMatrix dense(const Rows& f, double rest) {
  const Eigen::Map<const RowMatrix> m(f.data(), kRank, kDimension);
  return m.transpose() * m + rest * RowMatrix::Identity(kDimension, kDimension);
}

Covariance full(const RowMatrix& c) {
  return Covariance::full({c.data(), kDimension, kDimension});
}

Answer ask(const Field& field, const Rows& x, double sigma, const Request& request) {
  return field.ask(x.view(), std::span(&sigma, 1), {}, request, {});
}

Rows states(double scale) {
  Rows x(4, kDimension);
  RandomStream(8, Purpose::kTest).normals(x.values());
  for (double& v : x.values()) v *= scale;
  return x;
}

TEST(Gaussian, EveryFormAgreesWithDenseAlgebra) {
  const std::vector<double> mean = {1, -2, 0.5, 0, 3};
  const Rows f = factors();
  const RowMatrix c = dense(f, 0.2);
  const std::vector<double> variances = {0.5, 0, 2, 1e-3, 4};
  const RowMatrix diagonal = Eigen::Map<const Eigen::VectorXd>(variances.data(), kDimension).asDiagonal();
  const std::vector<std::pair<Gaussian, RowMatrix>> cases = {
      {Gaussian(mean, full(c)), c},
      {Gaussian(mean, Covariance::low_rank(f.view(), 0.2)), c},
      {Gaussian(mean, Covariance::low_rank(f.view(), 0)), dense(f, 0)},
      {Gaussian(mean, full(dense(f, 0))), dense(f, 0)},
      {Gaussian(mean, Covariance::diagonal(variances)), diagonal},
      {Gaussian(mean, Covariance::isotropic(kDimension, 0.3)), 0.3 * RowMatrix::Identity(kDimension, kDimension)},
      {Gaussian(mean, Covariance::isotropic(kDimension, 0)), RowMatrix::Zero(kDimension, kDimension)},
  };
  const Eigen::Map<const Eigen::VectorXd> mu(mean.data(), kDimension);
  for (const auto& [field, covariance] : cases) {
    EXPECT_NEAR(field.variance(), covariance.trace(), 1e-14 * (1 + covariance.trace()));
    for (const double sigma : {0.05, 1.0, 30.0}) {
      const RowMatrix noisy = covariance + sigma * sigma * RowMatrix::Identity(kDimension, kDimension);
      const Eigen::LLT<Eigen::MatrixXd> cholesky(noisy);
      const RowMatrix posterior = covariance - covariance * cholesky.solve(covariance);
      const Rows x = states(2 + sigma);
      const Rows v = states(1);
      const Answer answer =
          ask(field, x, sigma, {.log_density = true, .covariance_trace = true, .directions = v.view()});
      // The condition number of `noisy` is at most (10 + sigma^2)/sigma^2 <= 4e3 here.
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const Eigen::VectorXd delta = Eigen::Map<const Eigen::VectorXd>(x[i].data(), kDimension) - mu;
        const Eigen::VectorXd solved = cholesky.solve(delta);
        const Eigen::VectorXd denoised = mu + covariance * solved;
        const Eigen::MatrixXd root = cholesky.matrixL();
        const double expected = -0.5 * delta.dot(solved) - root.diagonal().array().log().sum() -
                                0.5 * kDimension * std::log(2 * std::numbers::pi);
        EXPECT_NEAR(answer.log_density[i], expected, 1e-12 * std::abs(expected));
        EXPECT_NEAR(answer.covariance_trace[i], posterior.trace(), 1e-11);
        const Eigen::VectorXd product = posterior * Eigen::Map<const Eigen::VectorXd>(v[i].data(), kDimension);
        for (std::size_t k = 0; k < kDimension; ++k) {
          EXPECT_NEAR(answer.denoised(i, k), denoised(static_cast<Eigen::Index>(k)), 1e-11);
          EXPECT_NEAR(answer.covariance_product(i, k), product(static_cast<Eigen::Index>(k)), 1e-11);
        }
      }
    }
  }
}

TEST(Gaussian, IsRightAtExtremeNoise) {
  // Variances 4 and 0: D = (4/(4 + s^2) x, 0), Cov = (4 s^2/(4 + s^2), 0), from small noise to none of the signal.
  const Gaussian field({0, 0}, Covariance::diagonal({4, 0}));
  for (const double sigma : {1e-6, 1e-3, 1.0, 1e3, 1e6, kInf}) {
    Rows x(1, 2);
    x(0, 0) = std::isinf(sigma) ? 1.5 : 2 * std::hypot(2.0, sigma);
    x(0, 1) = std::isinf(sigma) ? 0.5 : 0.5 * sigma;
    const Answer answer = ask(field, x, sigma, {.log_density = true, .covariance_trace = true});
    const double square = sigma * sigma;
    const double shrink = std::isinf(sigma) ? 0 : 4 / (4 + square);
    EXPECT_NEAR(answer.denoised(0, 0), shrink * x(0, 0), 1e-15 * std::abs(x(0, 0)));
    EXPECT_EQ(answer.denoised(0, 1), 0);
    const double variance = 4 * (std::isinf(sigma) ? 1 : square / (4 + square));
    EXPECT_NEAR(answer.covariance_trace[0], variance, 1e-15 * variance);
    const double expected = std::isinf(sigma) ? -0.5 * (1.5 * 1.5 + 0.25) - std::log(2 * std::numbers::pi)
                                              : -0.5 * (4 + 0.25) - std::log(2 * std::numbers::pi) -
                                                    0.5 * std::log(4 + square) - std::log(sigma);
    EXPECT_NEAR(answer.log_density[0], expected, 1e-14 * (1 + std::abs(expected))) << sigma;
  }
}

TEST(Gaussian, OffersNoDiscreteWeights) {
  const Gaussian field({0, 0}, Covariance::isotropic(2, 1));
  EXPECT_FALSE(field.capabilities().posterior);
  EXPECT_THROW(ask(field, Rows(1, 2), 1, {.posterior = true}), Error);
  EXPECT_THROW(ask(field, Rows(1, 2), 1, {.top_k = 1}), Error);
}

TEST(Gaussian, DrawsHaveItsCovariance) {
  const Rows f = factors();
  const RowMatrix c = dense(f, 0.2);
  const Gaussian field(std::vector<double>(kDimension, 1.0), Covariance::low_rank(f.view(), 0.2));
  constexpr int n = 20000;
  RowMatrix sum = RowMatrix::Zero(kDimension, kDimension);
  std::vector<double> x(kDimension);
  for (int seed = 0; seed < n; ++seed) {
    field.draw(static_cast<std::uint64_t>(seed), -1, x);
    const Eigen::VectorXd delta = Eigen::Map<const Eigen::VectorXd>(x.data(), kDimension).array() - 1;
    sum += delta * delta.transpose();
  }
  for (Eigen::Index i = 0; i < c.rows(); ++i) {
    for (Eigen::Index j = 0; j < c.cols(); ++j) {
      // Isserlis: the variance of a product of two Gaussians is c_ii c_jj + c_ij^2. Five standard errors.
      EXPECT_NEAR(sum(i, j) / n, c(i, j), 5 * std::sqrt((c(i, i) * c(j, j) + c(i, j) * c(i, j)) / n));
    }
  }
}

TEST(Covariance, RefusesWhatIsNotOne) {
  const std::vector<double> skew = {1, 0.5, 0.4, 1};
  const std::vector<double> indefinite = {1, 2, 2, 1};
  EXPECT_THROW(Covariance::full({skew.data(), 2, 2}), Error);
  EXPECT_THROW(Covariance::full({indefinite.data(), 2, 2}), Error);
  EXPECT_THROW(Covariance::full({skew.data(), 1, 2}), Error);
  EXPECT_THROW(Covariance::diagonal({1, -1}), Error);
  EXPECT_THROW(Covariance::isotropic(2, kInf), Error);
  EXPECT_THROW(Covariance::low_rank({skew.data(), 1, 2}, -0.1), Error);
  const std::vector<double> broken = {1, kInf};
  EXPECT_THROW(Covariance::low_rank({broken.data(), 1, 2}, 0), Error);
}

}  // namespace
}  // namespace scorefield

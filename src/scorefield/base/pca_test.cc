#include "scorefield/base/pca.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scorefield/base/eigen.h"
#include "scorefield/base/error.h"
#include "scorefield/base/gram.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

Rows normal_rows(std::size_t n, std::size_t d, std::uint64_t seed) {
  Rows rows(n, d);
  for (std::size_t i = 0; i < n; ++i) RandomStream(seed, Purpose::kTest, i).normals(rows[i]);
  return rows;
}

/// Orthonormal directions (Gram and Schmidt on random ones), [k, d].
Rows directions(std::size_t k, std::size_t d) {
  Rows q = normal_rows(k, d, 77);
  for (std::size_t i = 0; i < k; ++i) {
    for (int twice = 0; twice < 2; ++twice) {
      for (std::size_t j = 0; j < i; ++j) {
        const double along = std::inner_product(q[i].begin(), q[i].end(), q[j].begin(), 0.0);
        for (std::size_t c = 0; c < d; ++c) q(i, c) -= along * q(j, c);
      }
    }
    const double length = std::sqrt(std::inner_product(q[i].begin(), q[i].end(), q[i].begin(), 0.0));
    for (double& v : q[i]) v /= length;
  }
  return q;
}

/// Rows mean +- sqrt(n/2) s_c q_c, two a direction: the covariance is sum_c s_c^2 q_c q_c^T exactly, n = 2 k.
Rows rows_of_known_covariance(const Rows& q, const std::vector<double>& s, double offset) {
  const std::size_t k = q.rows();
  Rows rows(2 * k, q.cols());
  for (std::size_t c = 0; c < k; ++c) {
    for (std::size_t j = 0; j < q.cols(); ++j) {
      const double step = std::sqrt(static_cast<double>(k)) * s[c] * q(c, j);
      rows(2 * c, j) = offset + step;
      rows(2 * c + 1, j) = offset - step;
    }
  }
  return rows;
}

void expect_known(const PrincipalComponents& pca, const Rows& q, const std::vector<double>& s, double scale,
                  double tolerance) {
  double total = 0;
  for (double v : s) total += scale * scale * v * v;
  EXPECT_NEAR(pca.total_variance, total, tolerance * total);
  for (std::size_t c = 0; c < pca.variances.size(); ++c) {
    EXPECT_NEAR(pca.variances[c], scale * scale * s[c] * s[c], tolerance * total) << c;
    const double cosine = std::inner_product(q[c].begin(), q[c].end(), pca.vectors[c].begin(), 0.0);
    EXPECT_NEAR(std::abs(cosine), 1.0, 1e-9) << c;
    EXPECT_NEAR(std::inner_product(pca.vectors[c].begin(), pca.vectors[c].end(), pca.vectors[c].begin(), 0.0), 1.0,
                1e-12);
  }
}

std::vector<double> falling(std::size_t k) {
  std::vector<double> s(k);
  for (std::size_t c = 0; c < k; ++c) s[c] = 3.0 * std::pow(0.9, static_cast<double>(c));
  return s;
}

TEST(Gram, EqualsTheNaiveSumForEveryShape) {
  ThreadPool pool(3);
  Context threaded;
  threaded.pool = &pool;
  for (std::size_t variables : {1, 2, 23, 24, 25, 49}) {
    for (std::size_t observations : {1, 31, 256, 300}) {
      const Rows x = normal_rows(observations, variables, variables);
      const auto read = [&](std::size_t o, std::span<double> out) { std::copy_n(x[o].data(), out.size(), out.data()); };
      const Rows sums = gram_matrix(observations, variables, read, {});
      const Rows again = gram_matrix(observations, variables, read, threaded);
      for (std::size_t i = 0; i < variables; ++i) {
        for (std::size_t j = 0; j < variables; ++j) {
          double naive = 0, size = 0;
          for (std::size_t o = 0; o < observations; ++o) {
            naive += x(o, i) * x(o, j);
            size += std::abs(x(o, i) * x(o, j));
          }
          // Each of the two sums rounds once a term (n eps |terms| bounds both).
          EXPECT_NEAR(sums(i, j), naive, 2 * static_cast<double>(observations) * 0x1p-53 * size);
          EXPECT_EQ(sums(i, j), again(i, j));
        }
      }
    }
  }
}

TEST(Eigen, DiagonalMatricesAndOrder) {
  Rows matrix(3, 3);
  matrix(0, 0) = -5;
  matrix(1, 1) = 2;
  matrix(2, 2) = 1;
  const Eigenpairs pairs = largest_eigenpairs(matrix, 2);
  EXPECT_NEAR(pairs.values[0], 2, 1e-15);
  EXPECT_NEAR(pairs.values[1], 1, 1e-15);
  EXPECT_NEAR(pairs.vectors(0, 1), 1, 1e-15);
  EXPECT_NEAR(pairs.vectors(1, 2), 1, 1e-15);
  EXPECT_THROW(largest_eigenpairs(matrix, 4), Error);
  matrix(1, 0) = std::nan("");
  EXPECT_THROW(largest_eigenpairs(matrix, 1), Error);
}

// The second difference matrix has eigenvalues 2 - 2 cos(pi k / (n + 1)), vectors sin(pi k j / (n + 1)); n is above the
// size where Lanczos is taken.
TEST(Eigen, LanczosFindsClosedForms) {
  constexpr std::size_t n = 450;
  Rows matrix(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    matrix(i, i) = 2;
    if (i > 0) matrix(i, i - 1) = -1;  // the upper triangle stays empty: it is not read
  }
  const Eigenpairs pairs = largest_eigenpairs(matrix, 5);
  for (std::size_t c = 0; c < 5; ++c) {
    const double angle = M_PI * static_cast<double>(n - c) / (n + 1);
    EXPECT_NEAR(pairs.values[c], 2 - 2 * std::cos(angle), 1e-11);
    double cosine = 0;
    for (std::size_t j = 0; j < n; ++j) {
      cosine += pairs.vectors(c, j) * std::sin(angle * static_cast<double>(j + 1)) * std::sqrt(2.0 / (n + 1));
    }
    EXPECT_NEAR(std::abs(cosine), 1, 1e-9);
  }
}

TEST(Eigen, TheZeroMatrixHasZeros) {
  const Eigenpairs pairs = largest_eigenpairs(Rows(450, 450), 3);
  EXPECT_EQ(pairs.values, std::vector<double>(3, 0.0));
}

TEST(Pca, FindsAKnownCovarianceAlsoFarOffCentre) {
  const std::vector<double> s = falling(20);
  const Rows q = directions(20, 20);
  for (double offset : {0.0, 1e6}) {
    const Rows rows = rows_of_known_covariance(q, s, offset);
    const PrincipalComponents pca = principal_components(StoredRows(rows.view()), Affine{0.5, 3.0}, 7, {});
    // The data themselves are rounded to offset * 2^-53, against deviations of order 1.
    expect_known(pca, q, s, 0.5, 1e-13 + offset * 1e-15);
    for (double v : pca.mean) EXPECT_NEAR(v, 0.5 * offset + 3.0, 1e-14 * (1 + offset));
  }
}

TEST(Pca, FewRowsGoByTheGramMatrix) {
  const std::vector<double> s = falling(6);
  const Rows q = directions(6, 100);
  const Rows rows = rows_of_known_covariance(q, s, 2.0);
  expect_known(principal_components(StoredRows(rows.view()), Affine{}, 6, {}), q, s, 1.0, 1e-13);
  // The 12 rows span 6 directions: the others have no variance.
  const PrincipalComponents all = principal_components(StoredRows(rows.view()), Affine{}, 12, {});
  for (std::size_t c = 6; c < 12; ++c) {
    EXPECT_EQ(all.variances[c], 0);
    for (double v : all.vectors[c]) EXPECT_EQ(v, 0);
  }
}

TEST(Pca, StoredBytesAndThreadsGiveTheSame) {
  constexpr std::size_t n = 700, d = 60;
  std::vector<std::uint8_t> bytes(n * d);
  Rows doubles(n, d);
  const RandomStream stream(8, Purpose::kTest);
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    bytes[k] = static_cast<std::uint8_t>(stream.below(k, 256));
    doubles.values()[k] = bytes[k];
  }
  ThreadPool pool(4);
  Context threaded;
  threaded.pool = &pool;
  const auto a =
      principal_components(StoredRows(RowsView<const std::uint8_t>(bytes.data(), n, d)), kImageUnits, 5, threaded);
  const auto b = principal_components(StoredRows(doubles.view()), kImageUnits, 5, {});
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.variances, b.variances);
  EXPECT_EQ(a.total_variance, b.total_variance);
  EXPECT_TRUE(std::equal(a.vectors.values().begin(), a.vectors.values().end(), b.vectors.values().begin()));
}

TEST(Pca, RefusesWhatDoesNotExist) {
  const Rows rows = normal_rows(4, 3, 1);
  EXPECT_THROW(principal_components(StoredRows(rows.view()), Affine{}, 4, {}), Error);
  Context small;
  small.memory_limit = 1000;
  EXPECT_THROW(principal_components(StoredRows(rows.view()), Affine{}, 2, small), Error);
}

TEST(Pca, OneRowHasNoVariance) {
  const Rows rows = normal_rows(1, 3, 1);
  const PrincipalComponents pca = principal_components(StoredRows(rows.view()), Affine{}, 1, {});
  EXPECT_EQ(pca.total_variance, 0);
  EXPECT_EQ(pca.variances[0], 0);
  for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(pca.mean[j], rows(0, j));
}

}  // namespace
}  // namespace scorefield

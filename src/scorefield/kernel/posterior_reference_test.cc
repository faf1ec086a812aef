#include "scorefield/kernel/posterior_reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "tests/oracle.h"
#include "tests/posteriors.h"

namespace scorefield {
namespace {

using test::everything;
using test::kInfinity;
using test::kRows8;
using test::matrix;
using test::normals;

const Affine kIdentity;

TEST(PosteriorReference, FiftyDigitValues) {
  for (const test::PosteriorTruth& truth : test::kPoints8Truth) {
    test::expect_truth(truth, [](RowsView<const double> x, std::span<const double> sigma, const Request& request) {
      return posterior_reference(kRows8, kIdentity, {}, x, sigma, {}, request);
    });
  }
}

TEST(Points8, AreTheReferenceValues) {
  const test::Oracle* oracle = test::Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << test::Oracle::kAbsent;
  EXPECT_TRUE(std::ranges::equal(test::kPoints8, oracle->at("cases/pts8/Y").values));
  const test::OracleArray points = oracle->at("truth/mp/x_sigma");
  const test::OracleArray values = oracle->at("truth/mp/D0_D1_score0_score1_logp_cov00_cov01_cov11_entropy");
  ASSERT_EQ(std::size(test::kPoints8Truth), points.shape[0]);
  for (std::size_t i = 0; i < points.shape[0]; ++i) {
    const test::PosteriorTruth& t = test::kPoints8Truth[i];
    EXPECT_EQ((std::vector{t.x[0], t.x[1], t.sigma}), points[i]) << i;
    EXPECT_EQ((std::vector{t.denoised[0], t.denoised[1], t.score[0], t.score[1], t.log_density, t.covariance[0],
                           t.covariance[1], t.covariance[2], t.entropy}),
              values[i])
        << i;
  }
}

TEST(PosteriorReference, OneRowIsTheGaussian) {
  for (const std::size_t d : {1, 2, 7, 784, 12288}) {
    for (const double sigma : {1e-6, 1e-2, 1.0, 80.0, 1e6}) {
      const std::vector<double> row = normals(d, 1), noise = normals(d, 2);
      std::vector<double> x(d);
      for (std::size_t k = 0; k < d; ++k) x[k] = 1000 + row[k] + sigma * noise[k];
      std::vector<double> stored = row;
      for (double& v : stored) v += 1000;
      Request request = everything();
      request.top_k = 3;
      const Answer answer =
          posterior_reference(matrix(stored, d), kIdentity, {}, matrix(x, d), std::vector{sigma}, {}, request);
      long double square = 0;
      for (std::size_t k = 0; k < d; ++k)
        square += std::pow((static_cast<long double>(x[k]) - stored[k]) / sigma, 2.0L);
      const long double log_density =
          -0.5L * square - static_cast<long double>(d) * std::log(static_cast<long double>(sigma) *
                                                                  std::sqrt(2 * std::numbers::pi_v<long double>));
      EXPECT_NEAR(answer.log_density[0], static_cast<double>(log_density),
                  1e-12 * static_cast<double>(std::abs(log_density)));
      for (std::size_t k = 0; k < d; ++k) EXPECT_EQ(answer.denoised(0, k), stored[k]);
      EXPECT_EQ(answer.entropy[0], 0);
      EXPECT_EQ(answer.effective_sample_size[0], 1);
      EXPECT_EQ(answer.largest_weight[0], 1);
      EXPECT_EQ(answer.covariance_trace[0], 0);
      EXPECT_EQ(answer.top_k, 1);
      EXPECT_EQ(answer.top_rows, std::vector<std::uint32_t>{0});
    }
  }
}

TEST(PosteriorReference, TwoRowsAreALogisticFunction) {
  // Rows c +- a on a line: with u = a (x - c) / sigma^2 the heavier weight is 1 / (1 + exp(-2 |u|)), D = c + a tanh(u),
  // tr Cov = a^2 / cosh^2(u). c = 1000 is far off centre; every number here is a double without rounding.
  for (const double sigma : {0x1p-20, 0x1p-4, 1.0, 0x1p7, 0x1p20}) {
    for (const double u : {-3.0, -0.25, 0.0, 0.5, 16.0}) {
      const double c = 1000, a = 2 * sigma;
      const std::vector<double> rows{c - a, c + a}, x{c + u * sigma / 2};
      Request request = everything();
      request.top_k = 2;
      const Answer answer =
          posterior_reference(matrix(rows, 1), kIdentity, {}, matrix(x, 1), std::vector{sigma}, {}, request);
      const double p = 1 / (1 + std::exp(-2 * u));
      const double entropy = std::log1p(std::exp(-2 * std::abs(u))) + 2 * std::abs(u) * (u > 0 ? 1 - p : p);
      EXPECT_NEAR(answer.denoised(0, 0), c + a * std::tanh(u), 1e-12 * std::abs(c + a * std::tanh(u)));
      EXPECT_NEAR(answer.covariance_trace[0], a * a / std::pow(std::cosh(u), 2), 1e-12 * a * a);
      EXPECT_NEAR(answer.entropy[0], entropy, 1e-12);
      EXPECT_NEAR(answer.effective_sample_size[0], 1 / (p * p + (1 - p) * (1 - p)), 1e-12);
      EXPECT_NEAR(answer.largest_weight[0], std::max(p, 1 - p), 1e-14);
      EXPECT_EQ(answer.top_rows, u > 0 ? (std::vector<std::uint32_t>{1, 0}) : (std::vector<std::uint32_t>{0, 1}));
      EXPECT_NEAR(answer.top_weights[1], std::min(p, 1 - p), 1e-14);
    }
  }
}

TEST(PosteriorReference, InfiniteSigmaIsUnitNoise) {
  const std::vector<double> weights{1, 2, 3, 4, 5, 6, 7, 0};
  std::vector<double> log_weights(8);
  std::transform(weights.begin(), weights.end(), log_weights.begin(), [](double w) { return std::log(w); });
  const std::vector<double> x{0.5, -2};
  const Answer answer =
      posterior_reference(kRows8, kIdentity, log_weights, matrix(x, 2), std::vector{kInfinity}, {}, everything());
  for (int k = 0; k < 2; ++k) {
    double mean = 0;
    for (int i = 0; i < 8; ++i) mean += weights[i] / 28 * kRows8(i, k);
    EXPECT_NEAR(answer.denoised(0, k), mean, 1e-15);
  }
  EXPECT_NEAR(answer.log_density[0], -0.5 * 4.25 - std::log(2 * std::numbers::pi), 1e-14);
  EXPECT_NEAR(answer.effective_sample_size[0], 28.0 * 28 / 140, 1e-14);
  // The limit of a large sigma, up to terms of order R |x| / sigma.
  const std::vector<double> state{0.5e9, -2e9};
  const Answer large =
      posterior_reference(kRows8, kIdentity, log_weights, matrix(state, 2), std::vector{1e9}, {}, everything());
  EXPECT_NEAR(large.denoised(0, 0), answer.denoised(0, 0), 1e-8);
  EXPECT_NEAR(large.log_density[0] + 2 * std::log(1e9), answer.log_density[0], 1e-8);
}

TEST(PosteriorReference, WeightsAreDuplicates) {
  // Row i repeated i + 1 times, against the weights i + 1: exact duplicates share their weight.
  std::vector<double> repeated, log_weights;
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t copy = 0; copy <= i; ++copy) repeated.insert(repeated.end(), {kRows8(i, 0), kRows8(i, 1)});
    log_weights.push_back(3 + std::log(static_cast<double>(i + 1)));
  }
  const std::vector<double> x = normals(20, 3);
  std::vector<double> sigma{0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 2, 10, kInfinity};
  const Answer a = posterior_reference(kRows8, kIdentity, log_weights, matrix(x, 2), sigma, {}, everything());
  const Answer b = posterior_reference(matrix(repeated, 2), kIdentity, {}, matrix(x, 2), sigma, {}, everything());
  for (std::size_t q = 0; q < 10; ++q) {
    EXPECT_NEAR(a.denoised(q, 0), b.denoised(q, 0), 1e-14);
    EXPECT_NEAR(a.log_density[q], b.log_density[q], 1e-13 * std::abs(b.log_density[q]));
    EXPECT_NEAR(a.covariance_trace[q], b.covariance_trace[q], 1e-14);
  }
}

TEST(PosteriorReference, SubsetEqualsZeroWeightsElsewhere) {
  const std::vector<std::uint32_t> subset{1, 4, 6};
  std::vector<double> log_weights(8, -kInfinity);
  for (const std::uint32_t i : subset) log_weights[i] = 0;
  const std::vector<double> x = normals(8, 4), sigma{0.2, 0.6, 2, kInfinity};
  Request request = everything();
  request.top_k = 3;
  const Answer a = posterior_reference(kRows8, kIdentity, {}, matrix(x, 2), sigma, subset, request);
  const Answer b = posterior_reference(kRows8, kIdentity, log_weights, matrix(x, 2), sigma, {}, request);
  EXPECT_EQ(a.top_rows, b.top_rows);
  EXPECT_EQ(a.top_weights, b.top_weights);
  EXPECT_EQ(a.log_density, b.log_density);
  EXPECT_EQ(a.entropy, b.entropy);
  for (std::size_t q = 0; q < 4; ++q) EXPECT_EQ(a.denoised(q, 1), b.denoised(q, 1));
  const std::vector<std::uint32_t> weightless{0, 2};
  EXPECT_THROW(posterior_reference(kRows8, kIdentity, log_weights, matrix(x, 2), sigma, weightless, request), Error);
}

TEST(PosteriorReference, StorageDoesNotMatter) {
  const std::size_t n = 20, d = 5;
  std::vector<std::uint8_t> bytes(n * d);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(RandomStream(5, Purpose::kTest).below(i, 256));
  const std::vector<float> floats(bytes.begin(), bytes.end());
  const std::vector<double> doubles(bytes.begin(), bytes.end());
  const std::vector<double> x = normals(3 * d, 6), sigma{0.5};
  const auto ask = [&](const StoredRows& rows) {
    return posterior_reference(rows, kImageUnits, {}, matrix(x, d), sigma, {}, everything());
  };
  const Answer a = ask(RowsView<const std::uint8_t>(bytes.data(), n, d));
  const Answer b = ask(RowsView<const float>(floats.data(), n, d));
  const Answer c = ask(RowsView<const double>(doubles.data(), n, d));
  EXPECT_EQ(a.log_density, b.log_density);
  EXPECT_EQ(a.log_density, c.log_density);
  for (std::size_t k = 0; k < d; ++k) {
    EXPECT_EQ(a.denoised(2, k), b.denoised(2, k));
    EXPECT_EQ(a.denoised(2, k), c.denoised(2, k));
  }
}

TEST(PosteriorReference, TiesNameTheLowerRowFirst) {
  const std::vector<double> rows{5, 1, 1, -1, 1}, x{0}, sigma{0.5};
  Request request;
  request.top_k = 9;
  const Answer answer = posterior_reference(matrix(rows, 1), kIdentity, {}, matrix(x, 1), sigma, {}, request);
  EXPECT_EQ(answer.top_k, 5);
  EXPECT_EQ(answer.top_rows, (std::vector<std::uint32_t>{1, 2, 3, 4, 0}));
  EXPECT_TRUE(answer.log_density.empty());
}

}  // namespace
}  // namespace scorefield

#include "scorefield/data/synthetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scorefield/base/thread_pool.h"
#include "scorefield/data/readers_test.h"

namespace scorefield {
namespace {

using testing_support::expect_error;

RowsView<const double> rows_of(const SyntheticData& set) {
  return std::get<RowsView<const double>>(set.data.stored());
}

TEST(Synthetic, EverySetHasASoundTruth) {
  for (const std::string& name : synthetic_names()) {
    const SyntheticData set = make_synthetic(name, {});
    const SyntheticTruth& truth = set.truth;
    EXPECT_NEAR(std::accumulate(truth.weights.begin(), truth.weights.end(), 0.0), 1.0, 1e-12) << name;
    EXPECT_EQ(truth.weights.size(), truth.means.rows()) << name;
    EXPECT_EQ(truth.factors.size(), truth.means.rows() * truth.means.cols() * truth.rank) << name;
    EXPECT_EQ(set.data.dimension(), truth.means.cols()) << name;
    EXPECT_EQ(set.data.affine(), Affine{}) << name;
  }
  EXPECT_EQ(synthetic_descriptions().size(), synthetic_names().size());
}

/// The mean and the covariance of the drawn rows against those of the truth, E x = sum w mu and
/// Cov x = sum w (mu mu^T + F F^T + (sd^2 + half_side^2 / 3) I) - E x E x^T, within 5 standard errors.
TEST(Synthetic, MomentsAreTheTruths) {
  for (const char* spec : {"two-modes:n=20000,weight=0.2", "ring:n=20000,modes=5", "swirl:n=20000",
                           "checkerboard:n=20000", "mixture:n=20000,d=5,modes=3,rank=2,noise=0.3"}) {
    const SyntheticData set = make_synthetic(spec, {});
    const auto rows = rows_of(set);
    const SyntheticTruth& truth = set.truth;
    const std::size_t d = rows.cols;
    const auto n = static_cast<double>(rows.rows);
    std::vector<double> mean(d);
    for (std::size_t k = 0; k < truth.weights.size(); ++k) {
      for (std::size_t j = 0; j < d; ++j) mean[j] += truth.weights[k] * truth.means(k, j);
    }
    for (std::size_t a = 0; a < d; ++a) {
      for (std::size_t b = a; b < d; ++b) {
        double expected = -mean[a] * mean[b];
        for (std::size_t k = 0; k < truth.weights.size(); ++k) {
          double second = truth.means(k, a) * truth.means(k, b);
          for (std::size_t r = 0; r < truth.rank; ++r) second += truth.factor(k)(a, r) * truth.factor(k)(b, r);
          if (a == b) second += truth.noise_sd * truth.noise_sd + truth.half_side * truth.half_side / 3;
          expected += truth.weights[k] * second;
        }
        double sum = 0;
        double squares = 0;
        for (std::size_t i = 0; i < rows.rows; ++i) {
          const double product = (rows(i, a) - mean[a]) * (rows(i, b) - mean[b]);
          sum += product;
          squares += product * product;
        }
        const double error = std::sqrt((squares / n - sum / n * (sum / n)) / n);
        EXPECT_NEAR(sum / n, expected, 5 * error) << spec << " " << a << " " << b;
      }
      double sum = 0;
      double squares = 0;
      for (std::size_t i = 0; i < rows.rows; ++i) {
        sum += rows(i, a);
        squares += rows(i, a) * rows(i, a);
      }
      EXPECT_NEAR(sum / n, mean[a], 5 * std::sqrt((squares / n - sum / n * (sum / n)) / n)) << spec << " " << a;
    }
  }
}

TEST(Synthetic, LabelsAreTheComponents) {
  const SyntheticData set = make_synthetic("two-modes:n=4000,weight=0.25,distance=20", {});
  std::size_t first = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    // Ten units are 20 standard deviations from either mode to the middle.
    EXPECT_EQ(set.data.labels()[i], rows_of(set)(i, 0) < 0 ? 0 : 1);
    first += set.data.labels()[i] == 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(first), 1000, 5 * std::sqrt(4000 * 0.25 * 0.75));
}

TEST(Synthetic, TheCheckerboardIsBlackSquares) {
  const SyntheticData set = make_synthetic("checkerboard:n=5000", {});
  EXPECT_EQ(set.truth.weights.size(), 8u);
  for (std::size_t i = 0; i < 5000; ++i) {
    const auto row = rows_of(set)[i];
    EXPECT_LE(std::max(std::abs(row[0]), std::abs(row[1])), 4.0);
    const int parity = static_cast<int>(std::floor(row[0] / 2) + std::floor(row[1] / 2)) & 1;
    EXPECT_EQ(parity, 0) << row[0] << " " << row[1];
  }
}

TEST(Synthetic, TheSwirlIsFineAndHasUnitVariance) {
  const SyntheticTruth truth = make_synthetic("swirl:n=1", {}).truth;
  double second = 0;
  for (std::size_t k = 0; k < truth.weights.size(); ++k) {
    second += truth.weights[k] * (std::pow(truth.means(k, 0), 2) + std::pow(truth.means(k, 1), 2));
    if (k == 0) continue;
    const double step =
        std::hypot(truth.means(k, 0) - truth.means(k - 1, 0), truth.means(k, 1) - truth.means(k - 1, 1));
    EXPECT_LE(step, 0.42 * truth.noise_sd);
  }
  // E r^2 = 27 pi^2 over the scale's square 13.5 pi^2; the midpoint rule over 2048 nodes errs by about 1e-7.
  EXPECT_NEAR(second, 2.0, 1e-6);
}

TEST(Synthetic, ThirteenPointsAreTheTruthItself) {
  const SyntheticData set = make_synthetic("13-points:scale=2", {});
  ASSERT_EQ(set.data.size(), 13u);
  EXPECT_EQ(rows_of(set)(0, 0), -6.0);
  EXPECT_TRUE(std::equal(set.truth.means.values().begin(), set.truth.means.values().end(), rows_of(set).data));
}

TEST(Synthetic, ALongerSetBeginsWithTheShorterForAnyThreads) {
  ThreadPool pool(3);
  Context parallel;
  parallel.pool = &pool;
  for (const char* name : {"mixture:d=7,rank=3,n=", "ring:n=", "checkerboard:n="}) {
    const SyntheticData shorter = make_synthetic(std::string(name) + "300", {});
    const SyntheticData longer = make_synthetic(std::string(name) + "1000", parallel);
    const auto values = rows_of(shorter);
    EXPECT_TRUE(std::equal(values.data, values.data + 300 * values.cols, rows_of(longer).data)) << name;
  }
}

TEST(Synthetic, SeedsDrawOtherRowsFromOneTruth) {
  const SyntheticData a = make_synthetic("mixture:d=3,rank=1,n=5", {});
  const SyntheticData b = make_synthetic("mixture:d=3,rank=1,n=5,seed=1", {});
  const SyntheticData c = make_synthetic("mixture:d=3,rank=1,n=5,truth=1", {});
  EXPECT_EQ(a.truth.factors, b.truth.factors);
  EXPECT_NE(rows_of(a)(0, 0), rows_of(b)(0, 0));
  EXPECT_NE(a.truth.factors, c.truth.factors);
}

TEST(Synthetic, ErrorsSayWhatThereIs) {
  const auto make = [](const char* spec) { return [spec] { make_synthetic(spec, {}); }; };
  expect_error(make("rings"), "unknown synthetic data set 'rings'; did you mean 'ring'?");
  expect_error(make("ring:mode=3"), "ring: unknown parameter 'mode'; did you mean 'modes'?");
  expect_error(make("ring:zzz=3"), "n=2000,modes=8,radius=4,sd=0.2,seed=0");
  expect_error(make("ring:modes"), "ring: modes: '' is not a whole number from 1 to 10000");
  expect_error(make("ring:modes=2.5"), "'2.5' is not a whole number");
  expect_error(make("ring:sd=-1"), "ring: sd: '-1' is not a number from 0 to 1000000");
  expect_error(make("ring:sd=nan"), "'nan' is not a number");
  expect_error(make("ring:sd=1x"), "'1x' is not a number");
  expect_error(make("ring:sd=1,sd=2"), "ring: sd is given twice");
  expect_error(make("mixture:d=3,rank=4"), "mixture: rank=4 is over d=3");
  Context small;
  small.memory_limit = 1 << 20;
  expect_error([&] { make_synthetic("ring:n=1000000", small); }, "over the memory limit of 1 MiB");
  expect_error([&] { make_synthetic("mixture:d=1000000,modes=1000000,rank=1000000", small); }, "memory limit");
  expect_error([&] { make_synthetic("two-modes:d=1000000", small); }, "memory limit");
}

TEST(Synthetic, ComponentsMayShareAClass) {
  const SyntheticData each = make_synthetic("mixture:d=3,rank=1,n=50,modes=5", {});
  const SyntheticData two = make_synthetic("mixture:d=3,rank=1,n=50,modes=5,classes=2", {});
  EXPECT_EQ(two.truth.labels, (std::vector<std::int32_t>{0, 1, 0, 1, 0}));
  EXPECT_EQ(two.data.classes(), 2u);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(two.data.labels()[i], each.data.labels()[i] % 2);
}

}  // namespace
}  // namespace scorefield

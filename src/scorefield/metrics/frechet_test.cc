// The Frechet distance against closed forms, its error against leaving rows out, and files that are not statistics.
#include "scorefield/metrics/frechet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

Rows matrix(std::size_t n, const std::vector<double>& values) {
  Rows rows(n, n);
  std::ranges::copy(values, rows.data());
  return rows;
}

/// H diag(variances) H, H = I - 2 v v^T/|v|^2 a reflection that leaves no axis alone.
Rows turned(const std::vector<double>& variances) {
  const std::size_t n = variances.size();
  std::vector<double> v(n);
  double square = 0;
  for (std::size_t i = 0; i < n; ++i) {
    v[i] = 1.0 + 0.3 * static_cast<double>(i);
    square += v[i] * v[i];
  }
  const auto h = [&](std::size_t i, std::size_t j) { return (i == j ? 1.0 : 0.0) - 2 * v[i] * v[j] / square; };
  Rows result(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) sum += h(i, k) * variances[k] * h(k, j);
      result(i, j) = result(j, i) = sum;
    }
  }
  return result;
}

double distance(const std::vector<double>& mean_a, const Rows& a, const std::vector<double>& mean_b, const Rows& b) {
  const double there = FrechetReference(MeanAndCovariance{mean_a, a}).distance(MeanAndCovariance{mean_b, b});
  const double back = FrechetReference(MeanAndCovariance{mean_b, b}).distance(MeanAndCovariance{mean_a, a});
  EXPECT_NEAR(there, back, 1e-12 * (1 + there)) << "symmetric";
  return there;
}

TEST(Frechet, ClosedFormsOfKnownGaussians) {
  // One dimension: (m1 - m2)^2 + (s1 - s2)^2.
  EXPECT_NEAR(distance({1}, matrix(1, {4}), {-2}, matrix(1, {9})), 9 + 1, 1e-13);
  // Covariances that commute: the sum of (sqrt a - sqrt b)^2 along their common axes.
  EXPECT_NEAR(distance({0, 0, 0}, turned({1, 4, 9}), {0, 0, 1}, turned({4, 4, 1})), 1 + 0 + 4 + 1, 1e-12);
  // That do not: in two dimensions tr sqrt(S1 S2) = sqrt(tr(S1 S2) + 2 sqrt(det S1 det S2)).
  const double overlap = std::sqrt((2 * 1 + 1 * 0.5 + 1 * 0.5 + 3 * 5) + 2 * std::sqrt(5 * 4.75));
  EXPECT_NEAR(distance({0, 0}, matrix(2, {2, 1, 1, 3}), {0, 0}, matrix(2, {1, 0.5, 0.5, 5})), 5 + 6 - 2 * overlap,
              1e-12);
}

TEST(Frechet, SingularCovariancesLoseNoDigits) {
  // The root of a square of 1e-16 would be off by 1e-8; singular values are off by 1e-15 of the largest.
  EXPECT_NEAR(distance({0, 0, 0}, turned({1, 0, 0}), {0, 0, 0}, turned({0, 4, 0})), 5, 1e-12);
  EXPECT_NEAR(distance({0, 0, 0, 0}, turned({9, 4, 0, 0}), {0, 0, 0, 0}, turned({1, 0, 4, 0})), 4 + 4 + 4, 1e-12);
  EXPECT_NEAR(distance({0, 0}, matrix(2, {0, 0, 0, 0}), {3, 0}, turned({1, 2})), 9 + 3, 1e-13) << "a point";
  EXPECT_EQ(distance({1, 2}, Rows(2, 2), {1, 2}, Rows(2, 2)), 0);
}

TEST(Frechet, OfRowsTakesUnbiasedCovariances) {
  // Two coordinates, four rows: variances 20/3 and 8/3.
  Rows x(4, 2);
  for (std::size_t i = 0; i < 4; ++i) x(i, 0) = 2 * static_cast<double>(i);
  x(0, 1) = x(3, 1) = std::sqrt(2.0);
  x(1, 1) = x(2, 1) = -std::sqrt(2.0);
  const MeanAndCovariance moments = mean_and_covariance(x.view(), {});
  EXPECT_EQ(moments.mean, (std::vector<double>{3, 0}));
  EXPECT_NEAR(moments.covariance(0, 0), 20.0 / 3, 1e-14);
  EXPECT_NEAR(moments.covariance(1, 1), 8.0 / 3, 1e-14);
  EXPECT_NEAR(moments.covariance(0, 1), 0, 1e-14);
  const Rows many = normal_rows(500, 20, 4);
  EXPECT_NEAR(FrechetReference(many.view(), {}).distance(many.view(), {}).value, 0, 1e-11) << "of a set to itself";
  // Fewer rows than dimensions: singular, and still symmetric.
  const Rows few = normal_rows(8, 20, 5);
  const Rows others = normal_rows(9, 20, 6);
  EXPECT_NEAR(FrechetReference(few.view(), {}).distance(others.view(), {}).value,
              FrechetReference(others.view(), {}).distance(few.view(), {}).value, 1e-10);
}

TEST(Frechet, TheErrorIsThatOfLeavingRowsOut) {
  // The infinitesimal jackknife and the jackknife of single rows differ by O(1/N) of themselves: at 150 rows less than
  // 5 % (a wrong sign or a forgotten term changes it by tens).
  const Rows x = normal_rows(150, 3, 1);
  Rows y = normal_rows(180, 3, 2, 0.4, 1.3);
  for (std::size_t i = 0; i < y.rows(); ++i) y(i, 1) += 0.8 * y(i, 0);
  const Estimate estimate = FrechetReference(x.view(), {}).distance(y.view(), {});
  const auto without = [](const Rows& rows, std::size_t left_out) {
    Rows rest(rows.rows() - 1, rows.cols());
    for (std::size_t i = 0, at = 0; i < rows.rows(); ++i) {
      if (i != left_out) std::ranges::copy(rows[i], rest[at++].begin());
    }
    return rest;
  };
  std::vector<double> values_x;
  std::vector<double> values_y;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    values_x.push_back(FrechetReference(without(x, i).view(), {}).distance(y.view(), {}).value);
  }
  for (std::size_t i = 0; i < y.rows(); ++i) {
    values_y.push_back(FrechetReference(x.view(), {}).distance(without(y, i).view(), {}).value);
  }
  const double of_x = jackknife_variance(values_x);
  const double of_y = jackknife_variance(values_y);
  EXPECT_NEAR(estimate.standard_error / std::sqrt(of_x + of_y), 1, 0.05);
  const Estimate given = FrechetReference(mean_and_covariance(x.view(), {})).distance(y.view(), {});
  EXPECT_NEAR(given.value, estimate.value, 1e-12);
  EXPECT_NEAR(given.standard_error / std::sqrt(of_y), 1, 0.05) << "given statistics have no error";
}

TEST(Frechet, ReadsStatisticsAndRefusesWhatIsNone) {
  const TestFolder folder;
  const std::filesystem::path path = folder / "statistics.npz";
  const auto write = [&](const std::vector<double>& mu, std::vector<std::size_t> shape,
                         const std::vector<double>& sigma) {
    NpzWriter writer(path);
    writer.add_array<double>("mu", std::vector<std::size_t>{mu.size()}, mu);
    writer.add_array<double>("sigma", shape, sigma);
    writer.finish();
  };
  const auto read = [&] { return FrechetReference(read_mean_and_covariance(path, {})); };
  write({1, 2}, {2, 2}, {2, 1, 1, 3});
  EXPECT_NEAR(read().distance(MeanAndCovariance{{1, 2}, matrix(2, {2, 1, 1, 3})}), 0, 1e-14);
  const auto refuses = [&](const char* expected) {
    EXPECT_THAT(read, testing::ThrowsMessage<Error>(testing::HasSubstr(expected)));
  };
  write({1, 2}, {2, 2}, {2, 1, 1.1, 3});
  refuses("sigma is no covariance");
  write({1, 2, 3}, {2, 2}, {2, 1, 1, 3});
  refuses("[p] and [p, p]");
  write({1, 2}, {4}, {2, 1, 1, 3});
  refuses("[p] and [p, p]");
  write({1, 2}, {2, 2}, {1, 2, 2, 1});
  refuses("negative variance");
  write({1, std::numeric_limits<double>::infinity()}, {2, 2}, {2, 1, 1, 3});
  refuses("not finite");
  {
    NpzWriter writer(path);
    writer.add_array<std::int64_t>("mu", std::vector<std::size_t>{1}, std::vector<std::int64_t>{1});
    writer.add_array<double>("sigma", std::vector<std::size_t>{1, 1}, std::vector<double>{1});
    writer.finish();
  }
  refuses("float64");
  {
    NpzWriter writer(path);
    writer.add_array<double>("mu", std::vector<std::size_t>{1}, std::vector<double>{1});
    writer.finish();
  }
  refuses("sigma");
  const Rows x = normal_rows(9, 3, 1);
  EXPECT_THROW(FrechetReference(x.view(), {}).distance(normal_rows(9, 4, 1).view(), {}), Error);
  EXPECT_THROW(mean_and_covariance(normal_rows(1, 3, 1).view(), {}), Error);
  EXPECT_THROW(FrechetReference(MeanAndCovariance{{1, 2}, Rows(3, 3)}), Error);
}

}  // namespace
}  // namespace scorefield

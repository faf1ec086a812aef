#include "scorefield/kernel/posterior_precise.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/posterior_reference.h"
#include "tests/posteriors.h"

namespace scorefield {
namespace {

using test::kInfinity;
using test::matrix;
using test::normals;

const Affine kIdentity;
const std::vector<double> kSigmas{1e-6, 1e-3, 0.05, 0.3, 1, 3, 20, 80, 1e3, 1e6, kInfinity};

/// A state near row q for each sigma, and directions.
struct Queries {
  std::vector<double> x, directions;
};

Queries near_rows(RowsView<const double> rows, std::span<const double> sigma, std::uint64_t seed) {
  Queries queries{normals(sigma.size() * rows.cols, seed), normals(sigma.size() * rows.cols, seed + 1)};
  for (std::size_t q = 0; q < sigma.size(); ++q) {
    for (std::size_t k = 0; k < rows.cols && !std::isinf(sigma[q]); ++k) {
      double& v = queries.x[q * rows.cols + k];
      v = rows(q % rows.rows, k) + sigma[q] * v;
    }
  }
  return queries;
}

Request request_all(const Queries& queries, std::size_t d, std::size_t top_k) {
  Request request = test::everything();
  request.top_k = top_k;
  request.directions = matrix(queries.directions, d);
  return request;
}

TEST(PosteriorPrecise, FiftyDigitValues) {
  for (const test::PosteriorTruth& truth : test::kPoints8Truth) {
    test::expect_truth(truth, [](RowsView<const double> x, std::span<const double> sigma, const Request& request) {
      return posterior_precise(test::kRows8, kIdentity, {}, x, sigma, {}, request, {});
    });
  }
}

TEST(PosteriorPrecise, EqualsTheReferenceForEveryShapeAndSigma) {
  const std::size_t shapes[][2] = {{1, 1},   {2, 1},    {5, 3},    {64, 2},   {65, 7},   {200, 9},   {1500, 2},
                                   {700, 8}, {300, 33}, {130, 63}, {90, 784}, {45, 785}, {40, 3072}, {11, 12288}};
  for (const auto& [n, d] : shapes) {
    SCOPED_TRACE(testing::Message() << n << " x " << d);
    const std::vector<double> values = normals(n * d, n + d);
    const RowsView<const double> rows = matrix(values, d);
    const Queries queries = near_rows(rows, kSigmas, 3);
    const Request request = request_all(queries, d, 3);
    test::expect_close(posterior_precise(rows, kIdentity, {}, matrix(queries.x, d), kSigmas, {}, request, {}),
                       posterior_reference(rows, kIdentity, {}, matrix(queries.x, d), kSigmas, {}, request), 4,
                       5 * std::sqrt(static_cast<double>(d)));
  }
}

TEST(PosteriorPrecise, WeightsAndSubsets) {
  const std::size_t n = 900, d = 5;
  const std::vector<double> values = normals(n * d, 1);
  std::vector<double> log_weights = normals(n, 2);
  for (std::size_t i = 0; i < n; ++i) log_weights[i] = i % 7 == 3 ? -kInfinity : 5 * log_weights[i] - 300;
  std::vector<std::uint32_t> subset;
  for (std::uint32_t i = 2; i < n; i += 1 + i % 3) subset.push_back(i);
  const Queries queries = near_rows(matrix(values, d), kSigmas, 3);
  const Request request = request_all(queries, d, 20);
  const RowsView<const double> rows = matrix(values, d), x = matrix(queries.x, d);
  test::expect_close(posterior_precise(rows, kIdentity, log_weights, x, kSigmas, {}, request, {}),
                     posterior_reference(rows, kIdentity, log_weights, x, kSigmas, {}, request), 4, 10);
  test::expect_close(posterior_precise(rows, kIdentity, log_weights, x, kSigmas, subset, request, {}),
                     posterior_reference(rows, kIdentity, log_weights, x, kSigmas, subset, request), 4, 10);
  const std::vector<std::uint32_t> weightless{3, 10};
  const std::vector<double> far(d, 1e200);
  EXPECT_THROW(posterior_precise(rows, kIdentity, {}, matrix(far, d), std::vector{1.0}, {}, {}, {}), Error);
  EXPECT_THROW(posterior_precise(rows, kIdentity, log_weights, x, kSigmas, weightless, request, {}), Error);
}

TEST(PosteriorPrecise, EveryStorageAndFarOffCentre) {
  const std::size_t n = 150, d = 20;
  std::vector<std::uint8_t> bytes(n * d);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(RandomStream(5, Purpose::kTest).below(i, 256));
  }
  const std::vector<float> floats(bytes.begin(), bytes.end());
  for (const Affine& affine : {kImageUnits, Affine{0.01, 1000}}) {
    for (const StoredRows& rows : {StoredRows(RowsView<const std::uint8_t>(bytes.data(), n, d)),
                                   StoredRows(RowsView<const float>(floats.data(), n, d))}) {
      Rows data(n, d);
      for (std::size_t i = 0; i < n; ++i) read_row(rows, affine, i, data[i]);
      const Queries queries = near_rows(data.view(), kSigmas, 6);
      const Request request = request_all(queries, d, 4);
      test::expect_close(posterior_precise(rows, affine, {}, matrix(queries.x, d), kSigmas, {}, request, {}),
                         posterior_reference(rows, affine, {}, matrix(queries.x, d), kSigmas, {}, request),
                         1 + affine.offset, 8);
    }
  }
}

TEST(PosteriorPrecise, AmbiguousStatesFarFromAllRows) {
  // Two rows, each in several copies, share the posterior of a state between them whose logits are up to 1e7: there the
  // rounding of a logit to double would cost a weight 1e-9.
  const std::size_t d = 3;
  std::vector<double> values;
  for (std::size_t i = 0; i < 80; ++i) values.insert(values.end(), {0.1 + static_cast<double>(i % 2), 0.2, -0.7});
  std::vector<double> x, sigma;
  for (const double s : {1.0, 0.1, 0.01, 0.001}) {
    for (const double t : {-2.0, -0.3, 0.4, 1.0}) {
      x.insert(x.end(), {0.6 + t * s * s, 0.9, 3.1});
      sigma.push_back(s);
    }
  }
  Request request = test::everything();
  request.top_k = 50;
  test::expect_close(posterior_precise(matrix(values, d), kIdentity, {}, matrix(x, d), sigma, {}, request, {}),
                     posterior_reference(matrix(values, d), kIdentity, {}, matrix(x, d), sigma, {}, request), 1, 1);
}

TEST(PosteriorPrecise, BitsDependNeitherOnTheBatchNorOnThreads) {
  const std::size_t n = 1300, d = 37, b = 150;
  const std::vector<double> values = normals(n * d, 1);
  std::vector<double> sigma(b);
  for (std::size_t q = 0; q < b; ++q) sigma[q] = kSigmas[q % kSigmas.size()];
  const Queries queries = near_rows(matrix(values, d), sigma, 2);
  const RowsView<const double> rows = matrix(values, d), x = matrix(queries.x, d);
  const Request request = request_all(queries, d, 5);
  const Answer whole = posterior_precise(rows, kIdentity, {}, x, sigma, {}, request, {});
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    Context context;
    context.pool = &pool;
    test::expect_same_bits(posterior_precise(rows, kIdentity, {}, x, sigma, {}, request, context), whole);
    for (const std::size_t q : {0, 1, 63, 64, 100, 149}) {
      Request single = request;
      single.directions = request.directions.slice(q, 1);
      const Answer one =
          posterior_precise(rows, kIdentity, {}, x.slice(q, 1), std::span(sigma).subspan(q, 1), {}, single, context);
      EXPECT_TRUE(std::ranges::equal(one.denoised[0], whole.denoised[q]));
      EXPECT_TRUE(std::ranges::equal(one.covariance_product[0], whole.covariance_product[q]));
      EXPECT_EQ(one.log_density[0], whole.log_density[q]);
      EXPECT_EQ(one.entropy[0], whole.entropy[q]);
      EXPECT_EQ(one.covariance_trace[0], whole.covariance_trace[q]);
      EXPECT_EQ(one.top_weights[4], whole.top_weights[5 * q + 4]);
    }
  }
}

TEST(PosteriorPrecise, EveryInstructionSet) {
  const std::size_t n = 70, d = 300;
  const std::vector<double> values = normals(n * d, 1);
  const Queries queries = near_rows(matrix(values, d), kSigmas, 2);
  const Request request = request_all(queries, d, 5);
  const RowsView<const double> rows = matrix(values, d), x = matrix(queries.x, d);
  const Answer truth = posterior_reference(rows, kIdentity, {}, x, kSigmas, {}, request);
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    hwy::SetSupportedTargetsForTest(left & -left);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(left & -left));
    test::expect_close(posterior_precise(rows, kIdentity, {}, x, kSigmas, {}, request, {}), truth, 4, 90);
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

TEST(PosteriorPrecise, StopsWhenAskedTo) {
  const std::atomic<bool> cancelled{true};
  Context context;
  context.cancelled = &cancelled;
  const std::vector<double> x{0, 0};
  EXPECT_THROW(posterior_precise(test::kRows8, kIdentity, {}, matrix(x, 2), std::vector{1.0}, {}, {}, context),
               Cancelled);
  Context small;
  small.memory_limit = 100;
  EXPECT_THROW(posterior_precise(test::kRows8, kIdentity, {}, matrix(x, 2), std::vector{1.0}, {}, {}, small), Error);
}

}  // namespace
}  // namespace scorefield

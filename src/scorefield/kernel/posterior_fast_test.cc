// PosteriorKernel in its fast mode against the naive reference.
#include "scorefield/kernel/posterior_fast.h"

#include <gtest/gtest.h>
#include <hwy/detect_targets.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/posterior.h"
#include "scorefield/kernel/posterior_reference.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Rows of one storage, in clusters that are close enough together for posteriors to be ambiguous.
struct Data {
  std::size_t n;
  std::size_t d;
  Affine affine;
  std::vector<std::uint8_t> bytes;
  std::vector<float> floats;
  std::vector<double> doubles;

  StoredRows rows() const {
    if (!bytes.empty()) return RowsView<const std::uint8_t>(bytes.data(), n, d);
    if (!floats.empty()) return RowsView<const float>(floats.data(), n, d);
    return RowsView<const double>(doubles.data(), n, d);
  }
  std::vector<double> row(std::size_t i) const {
    std::vector<double> out(d);
    read_row(rows(), affine, i, out);
    return out;
  }
};

enum class Storage { kBytes, kFloats, kDoubles };

/// Eight clusters; within one, rows differ by a fifth of what clusters differ by. offset: far off centre.
Data clusters(Storage storage, std::size_t n, std::size_t d, double offset = 0) {
  Data data{n, d, {}, {}, {}, {}};
  if (storage == Storage::kBytes) data.affine = kImageUnits;
  std::vector<double> normals(d);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> centre(d);
    RandomStream(i % 8, Purpose::kTest, 1).normals(centre);
    RandomStream(i, Purpose::kTest, 2).normals(normals);
    for (std::size_t k = 0; k < d; ++k) {
      const double value = centre[k] + 0.2 * normals[k];
      if (storage == Storage::kBytes) {
        data.bytes.push_back(static_cast<std::uint8_t>(std::clamp(128 + 45 * value, 0.0, 255.0)));
      } else if (storage == Storage::kFloats) {
        data.floats.push_back(static_cast<float>(value + offset));
      } else {
        data.doubles.push_back(value + offset);
      }
    }
  }
  return data;
}

/// Noised rows, and points between two rows (where the posterior is of two minds), with a little noise.
Rows queries(const Data& data, double sigma, std::size_t count) {
  Rows x(count, data.d);
  for (std::size_t q = 0; q < count; ++q) {
    RandomStream(q, Purpose::kTest, 3).normals(x[q]);
    const std::vector<double> a = data.row((7 * q) % data.n);
    const std::vector<double> b = data.row((7 * q + 8 * (q % 2)) % data.n);
    const double noise = q % 3 == 2 ? 0.1 * sigma : sigma;
    for (std::size_t k = 0; k < data.d; ++k) x(q, k) = (a[k] + b[k]) / 2 + noise * x(q, k);
  }
  return x;
}

double distance(std::span<const double> a, std::span<const double> b) {
  double square = 0;
  for (std::size_t k = 0; k < a.size(); ++k) square += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(square);
}

Request everything(std::size_t top_k) {
  Request request;
  request.log_density = request.posterior = request.covariance_trace = true;
  request.top_k = top_k;
  return request;
}

/// The bounds that posterior.h states.
void expect_within_bounds(const PosteriorKernel& kernel, const Data& data, const Rows& x, double sigma,
                          std::span<const double> log_weights, std::span<const std::uint32_t> subset) {
  const double r = std::sqrt(kernel.variance());
  const double scale = std::min(r, sigma * std::sqrt(static_cast<double>(data.d)));
  const Request request = everything(5);
  const std::vector<double> sigmas = {sigma};
  const Answer fast = kernel.evaluate(x.view(), sigmas, subset, request, Precision::kFast, {});
  const Answer exact = posterior_reference(data.rows(), data.affine, log_weights, x.view(), sigmas, subset, request);
  ASSERT_EQ(fast.top_k, exact.top_k);
  for (std::size_t q = 0; q < x.rows(); ++q) {
    SCOPED_TRACE("sigma " + std::to_string(sigma) + " query " + std::to_string(q));
    // Beyond the promise: the rounding of a weighted mean of doubles as far from 0 as these rows are.
    const double rounding = 2e-15 * distance(exact.denoised[q], std::vector<double>(data.d));
    EXPECT_LE(distance(fast.denoised[q], exact.denoised[q]), 5e-6 * scale + rounding);
    EXPECT_NEAR(fast.log_density[q], exact.log_density[q], 1e-4 + 1e-12 * std::abs(exact.log_density[q]));
    EXPECT_NEAR(fast.entropy[q], exact.entropy[q], 1e-4);
    EXPECT_NEAR(fast.effective_sample_size[q], exact.effective_sample_size[q], 2e-4 * exact.effective_sample_size[q]);
    EXPECT_NEAR(fast.largest_weight[q], exact.largest_weight[q], 1e-4 * exact.largest_weight[q]);
    EXPECT_NEAR(fast.covariance_trace[q], exact.covariance_trace[q], 1e-5 * r * r + rounding * rounding);
    for (std::size_t k = q * fast.top_k; k < (q + 1) * fast.top_k; ++k) {
      EXPECT_NEAR(fast.top_weights[k], exact.top_weights[k], 1e-4 * exact.top_weights[k] + 1e-15);
      // Rows may change places only where double cannot tell them apart.
      if (fast.top_rows[k] != exact.top_rows[k]) {
        EXPECT_NEAR(distance(x[q], data.row(fast.top_rows[k])), distance(x[q], data.row(exact.top_rows[k])),
                    1e-14 * distance(x[q], data.row(exact.top_rows[k])));
      }
    }
  }
}

void sweep(const Data& data, std::span<const double> log_weights = {}, std::span<const std::uint32_t> subset = {}) {
  const PosteriorKernel kernel(data.rows(), data.affine, log_weights, {});
  for (const double sigma : {1e-6, 1e-3, 0.02, 0.1, 0.3, 0.6, 1.0, 2.0, 4.0, 10.0, 100.0, 1e6}) {
    expect_within_bounds(kernel, data, queries(data, sigma, 9), sigma, log_weights, subset);
  }
}

const Storage kStorages[] = {Storage::kBytes, Storage::kFloats, Storage::kDoubles};

TEST(FastPosterior, KeepsItsBoundsForEveryStorageAndDimension) {
  for (const Storage storage : kStorages) {
    for (const std::size_t d : {17, 50, 131}) {
      SCOPED_TRACE(d);
      sweep(clusters(storage, 1100, d));
    }
  }
  sweep(clusters(Storage::kBytes, 300, 784));
}

TEST(FastPosterior, KeepsItsBoundsInLargeDimensions) {
  if (std::getenv("SCOREFIELD_LONG_TESTS") == nullptr) GTEST_SKIP() << "SCOREFIELD_LONG_TESTS is not set";
  for (const Storage storage : kStorages) {
    sweep(clusters(storage, 2500, 784));
    sweep(clusters(storage, 1200, 3072));
    sweep(clusters(storage, 400, 12288));
  }
}

TEST(FastPosterior, KeepsItsBoundsFarOffCentre) {
  sweep(clusters(Storage::kFloats, 600, 40, 1000));
  sweep(clusters(Storage::kDoubles, 600, 40, 1000));
}

TEST(FastPosterior, KeepsItsBoundsForFewRowsDuplicatesAndOneRow) {
  for (const std::size_t n : {1, 2, 257, 960, 961}) sweep(clusters(Storage::kFloats, n, 33));
  // Every row a hundred times: more survivors than a list holds, at every sigma.
  Data repeated = clusters(Storage::kBytes, 12, 64);
  const std::vector<std::uint8_t> once = repeated.bytes;
  for (int i = 1; i < 100; ++i) repeated.bytes.insert(repeated.bytes.end(), once.begin(), once.end());
  repeated.n *= 100;
  sweep(repeated);
  // All rows the same.
  Data same{400, 32, kImageUnits, std::vector<std::uint8_t>(400 * 32, 77), {}, {}};
  sweep(same);
}

TEST(FastPosterior, KeepsItsBoundsWithWeightsAndSubsets) {
  const Data data = clusters(Storage::kBytes, 1500, 48);
  std::vector<double> log_weights(data.n);
  RandomStream(5, Purpose::kTest).normals(log_weights);
  for (std::size_t i = 0; i < data.n; i += 3) log_weights[i] = -kInf;
  sweep(data, log_weights);
  std::vector<std::uint32_t> subset;
  for (std::uint32_t i = 1; i < data.n; i += 2) subset.push_back(i);
  sweep(data, {}, subset);
  sweep(data, log_weights, subset);
}

TEST(FastPosterior, RefusesASubsetWithoutWeight) {
  const Data data = clusters(Storage::kBytes, 1500, 48);
  std::vector<double> log_weights(data.n, 0.0);
  std::vector<std::uint32_t> subset;
  for (std::uint32_t i = 0; i < 600; ++i) {
    subset.push_back(i);
    log_weights[i] = -kInf;
  }
  const PosteriorKernel kernel(data.rows(), data.affine, log_weights, {});
  const Rows x = queries(data, 1, 1);
  const std::vector<double> sigma = {1.0};
  EXPECT_THROW(kernel.evaluate(x.view(), sigma, subset, {}, Precision::kFast, {}), Error);
}

TEST(FastPosterior, AnswersAtInfiniteSigmaWithTheMean) {
  const Data data = clusters(Storage::kBytes, 1500, 48);
  const PosteriorKernel kernel(data.rows(), data.affine, {}, {});
  const Rows x = queries(data, 1, 10);
  const std::vector<double> sigma = {kInf};
  const Answer fast = kernel.evaluate(x.view(), sigma, {}, everything(2), Precision::kFast, {});
  const Answer exact = posterior_reference(data.rows(), data.affine, {}, x.view(), sigma, {}, everything(2));
  for (std::size_t q = 0; q < x.rows(); ++q) {
    EXPECT_LE(distance(fast.denoised[q], exact.denoised[q]), 1e-13);
    EXPECT_NEAR(fast.log_density[q], exact.log_density[q], 1e-10);
    EXPECT_NEAR(fast.entropy[q], std::log(1500.0), 1e-12);
  }
  EXPECT_EQ(fast.top_rows, exact.top_rows);
}

TEST(FastPosterior, CovarianceProductsAreThoseOfDoubles) {
  const Data data = clusters(Storage::kFloats, 1100, 40);
  const PosteriorKernel kernel(data.rows(), data.affine, {}, {});
  for (const double sigma : {0.05, 0.5, 3.0}) {
    const Rows x = queries(data, sigma, 5);
    const Rows v = queries(data, 1, 5);
    Request request;
    request.directions = v.view();
    const std::vector<double> sigmas = {sigma};
    const Answer fast = kernel.evaluate(x.view(), sigmas, {}, request, Precision::kFast, {});
    const Answer exact = posterior_reference(data.rows(), data.affine, {}, x.view(), sigmas, {}, request);
    for (std::size_t q = 0; q < x.rows(); ++q) {
      EXPECT_LE(distance(fast.covariance_product[q], exact.covariance_product[q]), 1e-10 * kernel.variance());
    }
  }
}

TEST(FastPosterior, NamesTheLowerRowFirstAmongEquals) {
  Data data = clusters(Storage::kBytes, 700, 32);
  data.bytes.insert(data.bytes.end(), data.bytes.begin(), data.bytes.end());
  data.n *= 2;
  const PosteriorKernel kernel(data.rows(), data.affine, {}, {});
  for (const double sigma : {0.1, 1.0, 50.0}) {
    const Rows x = queries(data, sigma, 20);
    Request request;
    request.top_k = 4;
    const std::vector<double> sigmas = {sigma};
    const Answer fast = kernel.evaluate(x.view(), sigmas, {}, request, Precision::kFast, {});
    for (std::size_t i = 0; i < fast.top_rows.size(); i += 2) EXPECT_EQ(fast.top_rows[i] + 700, fast.top_rows[i + 1]);
  }
}

/// Everything an answer holds, in one row of numbers.
std::vector<double> flattened(const Answer& a) {
  std::vector<double> all(a.denoised.values().begin(), a.denoised.values().end());
  for (const auto* part :
       {&a.log_density, &a.entropy, &a.effective_sample_size, &a.largest_weight, &a.covariance_trace, &a.top_weights}) {
    all.insert(all.end(), part->begin(), part->end());
  }
  all.insert(all.end(), a.top_rows.begin(), a.top_rows.end());
  return all;
}

TEST(FastPosterior, SameBitsForEveryBatchOrderAndThreadCount) {
  for (const Storage storage : kStorages) {
    const Data data = clusters(storage, 3000, 50);
    const PosteriorKernel kernel(data.rows(), data.affine, {}, {});
    const std::size_t count = 150;
    // sigma a query: f32, survivors and double answer some each.
    std::vector<double> sigma(count);
    Rows x(count, data.d);
    for (std::size_t q = 0; q < count; ++q) {
      sigma[q] = std::pow(10.0, static_cast<double>(q % 7) - 3);
      const Rows one = queries(data, sigma[q], q + 1);
      std::copy(one[q].begin(), one[q].end(), x[q].begin());
    }
    const Request request = everything(3);
    std::vector<std::vector<double>> alone;
    for (std::size_t q = 0; q < count; ++q) {
      alone.push_back(
          flattened(kernel.evaluate(x.view().slice(q, 1), {&sigma[q], 1}, {}, request, Precision::kFast, {})));
    }
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      Context context;
      context.pool = &pool;
      for (const std::size_t batch : {2, 3, 5, 8, 9, 16, 17, 40, 64, 65, 150}) {
        for (std::size_t first = 0; first + batch <= count; first += batch) {
          // Backwards, so that order counts too.
          Rows some(batch, data.d);
          std::vector<double> some_sigma(batch);
          for (std::size_t i = 0; i < batch; ++i) {
            const std::size_t q = first + batch - 1 - i;
            std::copy(x[q].begin(), x[q].end(), some[i].begin());
            some_sigma[i] = sigma[q];
          }
          const Answer answer = kernel.evaluate(some.view(), some_sigma, {}, request, Precision::kFast, context);
          for (std::size_t i = 0; i < batch; ++i) {
            const std::size_t q = first + batch - 1 - i;
            ASSERT_TRUE(std::equal(answer.denoised[i].begin(), answer.denoised[i].end(), alone[q].begin()))
                << "batch " << batch << " threads " << threads << " query " << q << " sigma " << sigma[q];
            ASSERT_EQ(answer.log_density[i], alone[q][data.d]);
            ASSERT_EQ(answer.entropy[i], alone[q][data.d + 1]);
            ASSERT_EQ(answer.covariance_trace[i], alone[q][data.d + 4]);
            ASSERT_EQ(answer.top_weights[3 * i + 2], alone[q][data.d + 7]);
          }
          if (batch > 20) break;
        }
      }
    }
  }
}

TEST(FastPosterior, FusedInstructionSetsAgreeToTheBitAndAllKeepTheBounds) {
  const Data data = clusters(Storage::kBytes, 1100, 60);
  std::vector<double> first;
  for (std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    const PosteriorKernel kernel(data.rows(), data.affine, {}, {});
    std::vector<double> bits;
    for (const double sigma : {0.1, 0.7, 3.0, 50.0}) {
      for (const std::size_t count : {1, 7, 20}) {
        const Rows x = queries(data, sigma, count);
        expect_within_bounds(kernel, data, x, sigma, {}, {});
        if (sigma < 3) continue;  // answered in double, whose sums have as many parts as a vector has lanes
        const std::vector<double> sigmas = {sigma};
        const Answer answer = kernel.evaluate(x.view(), sigmas, {}, {}, Precision::kFast, {});
        bits.insert(bits.end(), answer.denoised.values().begin(), answer.denoised.values().end());
      }
    }
    if (first.empty()) first = bits;
    if (target <= HWY_AVX2) {
      EXPECT_TRUE(bits == first);
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

TEST(FastPosterior, ScratchStaysWithin64MiBAndItsLimit) {
  const Data data = clusters(Storage::kBytes, 300, 3072);
  const PosteriorKernel kernel(data.rows(), data.affine, {}, {});
  const Rows x = queries(data, 10, 64);
  const std::vector<double> sigma = {10.0};
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  context.memory_limit = std::size_t{64} << 20;
  EXPECT_NO_THROW(kernel.evaluate(x.view(), sigma, {}, {}, Precision::kFast, context));
  context.memory_limit = std::size_t{4} << 20;
  EXPECT_THROW(kernel.evaluate(x.view(), sigma, {}, {}, Precision::kFast, context), Error);
}

TEST(FastPosterior, StopsWhenAsked) {
  const Data data = clusters(Storage::kBytes, 1100, 60);
  const PosteriorKernel kernel(data.rows(), data.affine, {}, {});
  const std::atomic<bool> cancelled = true;
  Context context;
  context.cancelled = &cancelled;
  const std::vector<double> sigma = {1.0};
  EXPECT_THROW(kernel.evaluate(queries(data, 1, 1).view(), sigma, {}, {}, Precision::kFast, context), Cancelled);
}

}  // namespace
}  // namespace scorefield

// The kernel distance against sums over all pairs, with and without groups.
#include "scorefield/metrics/kernel_distance.h"

#include <gtest/gtest.h>

#include <functional>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

using Kernel = std::function<double(std::span<const double>, std::span<const double>)>;

double naive_distance(const Rows& x, const Rows& y, const Kernel& kernel) {
  const auto mean = [&](const Rows& a, const Rows& b, bool same) {
    long double sum = 0;
    for (std::size_t i = 0; i < a.rows(); ++i) {
      for (std::size_t j = 0; j < b.rows(); ++j) sum += same && i == j ? 0 : kernel(a[i], b[j]);
    }
    return sum / static_cast<long double>(a.rows()) / static_cast<long double>(b.rows() - (same ? 1 : 0));
  };
  return static_cast<double>(mean(x, x, true) + mean(y, y, true) - 2 * mean(x, y, false));
}

double cubic(std::span<const double> x, std::span<const double> y) {
  double dot = 0;
  for (std::size_t k = 0; k < x.size(); ++k) dot += x[k] * y[k];
  return std::pow(dot / static_cast<double>(x.size()) + 1, 3);
}

TEST(KernelDistance, AgreesWithSumsOverAllPairsAndWithLeavingOutGroups) {
  for (const double shift : {0.0, 3.0}) {
    const Rows rows_x = normal_rows(61, 7, 1, shift);
    const Rows rows_y = normal_rows(47, 7, 2, shift + 0.3, 1.2);
    const GroupedRows x = grouped(rows_x);
    const GroupedRows y = grouped(rows_y, 1);
    const KernelDistance reference(x, {});
    std::vector<double> distances;
    for (std::size_t i = 0; i < 61; ++i) {
      for (std::size_t j = 0; j < i; ++j) distances.push_back(row_distance(rows_x[i], rows_x[j]));
    }
    std::ranges::sort(distances);
    const double h = reference.bandwidth();
    EXPECT_NEAR(h, distances[distances.size() / 2], 1e-12);
    const Kernel gaussian = [h](std::span<const double> a, std::span<const double> b) {
      return std::exp(-row_distance(a, b) * row_distance(a, b) / (2 * h * h));
    };
    const KernelDistances found = reference.distances(y, {});
    for (const auto& pair : {std::pair{found.cubic, Kernel(cubic)}, std::pair{found.gaussian, gaussian}}) {
      const Estimate& estimate = pair.first;
      const Kernel& kernel = pair.second;
      const Estimate expected = jackknife(x.groups(), y.groups(), [&](std::size_t a, std::size_t b) {
        return naive_distance(rows_without(x, a), rows_without(y, b), kernel);
      });
      // Kernel values up to 1e3 at shift 3, in double: 1e-13 of them.
      EXPECT_NEAR(estimate.value, expected.value, 1e-10);
      EXPECT_NEAR(estimate.standard_error, expected.standard_error, 1e-10);
    }
  }
}

TEST(KernelDistance, TakesConstantRowsAndAnyNumberOfThreads) {
  const GroupedRows constant = grouped(Rows(10, 3));
  const KernelDistance reference(constant, {});
  EXPECT_EQ(reference.bandwidth(), 1);
  const KernelDistances same = reference.distances(grouped(Rows(12, 3)), {});
  EXPECT_NEAR(same.gaussian.value, 0, 1e-15);
  EXPECT_NEAR(same.cubic.standard_error, 0, 1e-15);
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  const GroupedRows x = grouped(normal_rows(100, 5, 1));
  const GroupedRows y = grouped(normal_rows(90, 5, 2));
  EXPECT_EQ(KernelDistance(x, {}).distances(y, {}).gaussian.value,
            KernelDistance(x, context).distances(y, context).gaussian.value);
  EXPECT_THROW(KernelDistance(x, {}).distances(grouped(normal_rows(9, 4, 1)), {}), Error);
}

}  // namespace
}  // namespace scorefield

#include "scorefield/metrics/sliced_wasserstein.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

Rows normals(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Rows x(rows, cols);
  for (std::size_t i = 0; i < rows; ++i) RandomStream(seed, Purpose::kTest, i).normals(x[i]);
  return x;
}

Dataset as_data(const Rows& x) {
  return make_dataset("rows", std::vector<double>(x.values().begin(), x.values().end()), {x.cols()});
}

std::vector<double> sorted_normals(std::size_t count, std::uint64_t seed) {
  const Rows x = normals(1, count, seed);
  std::vector<double> values(x.values().begin(), x.values().end());
  std::ranges::sort(values);
  return values;
}

TEST(SquaredWasserstein, OfDifferentSizesIsThatOfTheRepeatedSets) {
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 7}, {6, 4}, {5, 5}, {9, 12}}) {
    const auto a = sorted_normals(n, 1);
    const auto b = sorted_normals(m, 2);
    // Every number of a repeated m times and of b n times: sets of one size, matched in order.
    double expected = 0;
    for (std::size_t k = 0; k < n * m; ++k) expected += std::pow(a[k / m] - b[k / n], 2);
    expected /= static_cast<double>(n * m);
    EXPECT_NEAR(squared_wasserstein(a, b), expected, 1e-14 * expected) << "rounding of at most 108 terms";
    EXPECT_NEAR(squared_wasserstein(b, a), expected, 1e-14 * expected);
  }
}

TEST(SlicedWasserstein, OfAShiftIsItsLengthOverTheRootOfTheDimension) {
  // A shift v moves every projection by theta . v, whatever the data, and E (theta . v)^2 = |v|^2 / d.
  const std::size_t d = 5;
  const Rows data = normals(40, d, 3);
  Rows moved = data;
  for (std::size_t i = 0; i < moved.rows(); ++i) moved(i, 2) += 3;
  const SlicedWasserstein sliced(as_data(data), {.projections = 2000}, {});
  EXPECT_EQ(sliced.projections(), 2000U);
  EXPECT_EQ(sliced.rows(), 40U);
  const Estimate found = sliced.distance(moved.view(), {});
  EXPECT_NEAR(found.value, 3 / std::sqrt(5.0), 4 * found.standard_error);
  // (theta . v)^2 / |v|^2 is Beta(1/2, (d-1)/2): variance 2 (d - 1) / (d^2 (d + 2)).
  const double of_square = 9 * std::sqrt(2.0 * 4 / (25.0 * 7) / 2000);
  EXPECT_NEAR(found.standard_error, of_square / (2 * 3 / std::sqrt(5.0)), 0.15 * found.standard_error)
      << "the spread of a variance of 2000 values: 1/sqrt(1000) times some";
  EXPECT_EQ(sliced.distance(data.view(), {}).value, 0);
}

TEST(SlicedWasserstein, OfTwoGaussiansHasItsClosedForm) {
  // N(0, I) and N(m, s^2 I): every projection has W_2^2 = (theta . m)^2 + (1 - s)^2, so SW_2^2 = |m|^2/d + (1 - s)^2.
  const std::size_t d = 4;
  const Rows data = normals(20000, d, 4);
  Rows samples = normals(20000, d, 5);
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (std::size_t k = 0; k < d; ++k) samples(i, k) = 1.5 * samples(i, k) + (k == 0 ? 1 : 0);
  }
  const SlicedWasserstein sliced(as_data(data), {.projections = 500, .rows = 20000}, {});
  const Estimate found = sliced.distance(samples.view(), {});
  const double expected = std::sqrt(1.0 / 4 + 0.25);
  // Besides the projections: finite samples move the means by 1/sqrt(20000) each and the deviations by less, and add
  // about log(n)/n to W_2^2.
  EXPECT_NEAR(found.value, expected, 4 * found.standard_error + 5 * 1.5 * std::sqrt(2.0 / 20000));
}

TEST(SlicedWasserstein, SameBitsOnManyThreads) {
  const Dataset data = as_data(normals(300, 7, 6));
  const Rows samples = normals(21, 7, 7);
  ThreadPool pool(3);
  const Context threads{.pool = &pool};
  const SlicedOptions options{.projections = 33, .rows = 200, .seed = 9};
  const Estimate alone = SlicedWasserstein(data, options, {}).distance(samples.view(), {});
  const Estimate many = SlicedWasserstein(data, options, threads).distance(samples.view(), threads);
  EXPECT_EQ(alone.value, many.value);
  EXPECT_EQ(alone.standard_error, many.standard_error);
}

TEST(SlicedWasserstein, RefusesWhatHasNoDistance) {
  const Dataset data = as_data(normals(3, 2, 8));
  EXPECT_THROW(SlicedWasserstein(data, {.projections = 0}, {}), Error);
  const SlicedWasserstein sliced(data, {}, {});
  EXPECT_THROW(sliced.distance(Rows(0, 2).view(), {}), Error);
  EXPECT_THROW(sliced.distance(Rows(1, 3).view(), {}), Error);
}

TEST(SlicedWassersteinOfRows, AgreesWithThatOfADataSetWithAllRowsAndWithoutEachGroup) {
  const GroupedRows a = grouped(normal_rows(50, 3, 1));
  const GroupedRows b = grouped(normal_rows(41, 3, 2, 0.5), 1);
  const auto distance = [](const Rows& x, const Rows& y) {
    const Dataset data = make_dataset("x", std::vector<double>(x.values().begin(), x.values().end()), {x.cols()});
    return SlicedWasserstein(data, {32, 1000, 9}, {}).distance(y.view(), {});
  };
  const Estimate all = distance(a.rows(), b.rows());
  const Estimate of_rows = jackknife(a.groups(), b.groups(), [&](std::size_t g, std::size_t h) {
    return distance(rows_without(a, g), rows_without(b, h)).value;
  });
  const Estimate found = sliced_wasserstein(a, b, 32, 9, {});
  EXPECT_NEAR(found.value, all.value, 1e-13);
  EXPECT_NEAR(found.standard_error, std::hypot(of_rows.standard_error, all.standard_error), 1e-13);
  EXPECT_THROW(sliced_wasserstein(a, b, 0, 9, {}), Error);
  EXPECT_THROW(sliced_wasserstein(a, grouped(normal_rows(5, 2, 1)), 4, 9, {}), Error);
}

}  // namespace
}  // namespace scorefield

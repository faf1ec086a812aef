// Groups of rows, and the jackknife where its answer is known.
#include "scorefield/metrics/grouped_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

TEST(GroupedRows, EveryRowIsInOneGroupAndGroupsAreOfOneSize) {
  for (const std::size_t n : {3, 19, 20, 21, 107}) {
    Rows rows(n, 1);
    for (std::size_t i = 0; i < n; ++i) rows(i, 0) = static_cast<double>(i);
    const GroupedRows set = grouped(rows);
    EXPECT_EQ(set.groups(), std::min<std::size_t>(n, 20));
    std::vector<double> seen(set.rows().values().begin(), set.rows().values().end());
    if (n > 20) {
      EXPECT_FALSE(std::ranges::is_sorted(seen)) << "the order is random";
    }
    std::ranges::sort(seen);
    EXPECT_TRUE(std::ranges::equal(seen, rows.values()));
    std::size_t at = 0;
    for (std::size_t g = 0; g < set.groups(); ++g) {
      EXPECT_NEAR(static_cast<double>(set.group_size(g)), static_cast<double>(n) / static_cast<double>(set.groups()),
                  1);
      EXPECT_EQ(set.group(g).data, set.rows()[at].data());
      for (std::size_t i = 0; i < set.group_size(g); ++i) EXPECT_EQ(set.group_of(at++), g);
    }
    EXPECT_EQ(at, n);
  }
}

TEST(GroupedRows, TheJackknifeOfMeansIsTheirStandardError) {
  // One row a group: for a mean the jackknife is s/sqrt(n) itself (Tukey 1958), here of a difference of two means.
  const GroupedRows a = grouped(normal_rows(20, 1, 1));
  const GroupedRows b = grouped(normal_rows(11, 1, 2, 5.0, 3.0));
  const auto mean = [](const Rows& rows) {
    return std::accumulate(rows.values().begin(), rows.values().end(), 0.0) / static_cast<double>(rows.rows());
  };
  const auto variance_of_mean = [&](const Rows& rows) {
    double square = 0;
    for (const double v : rows.values()) square += (v - mean(rows)) * (v - mean(rows));
    const auto n = static_cast<double>(rows.rows());
    return square / (n * (n - 1));
  };
  const Estimate estimate = jackknife(
      20, 11, [&](std::size_t i, std::size_t j) { return mean(rows_without(a, i)) - mean(rows_without(b, j)); });
  EXPECT_DOUBLE_EQ(estimate.value, mean(a.rows()) - mean(b.rows()));
  EXPECT_NEAR(estimate.standard_error, std::sqrt(variance_of_mean(a.rows()) + variance_of_mean(b.rows())), 1e-14);
}

TEST(GroupedRows, RefusesTooFewRowsAndValuesThatAreNotFinite) {
  Rows rows(5, 2);
  rows(3, 1) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT([&] { grouped(rows); }, testing::ThrowsMessage<Error>(testing::HasSubstr("row 3")));
  EXPECT_THAT([] { grouped(Rows(2, 2)); }, testing::ThrowsMessage<Error>(testing::HasSubstr("2 rows")));
  EXPECT_THROW(grouped(Rows()), Error);
}

}  // namespace
}  // namespace scorefield

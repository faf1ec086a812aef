// Draws from the Gaussian of a data set: its moments, its range, and that a draw is a function of its number.
#include "scorefield/metrics/gaussian_baseline.h"

#include <gtest/gtest.h>

#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/frechet.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

Rows draws(const Dataset& data, std::size_t count, const Context& context = {}) {
  const Dataset drawn = gaussian_baseline(data, count, 7, context);
  EXPECT_EQ(drawn.shape(), data.shape());
  Rows rows(count, data.dimension());
  for (std::size_t i = 0; i < count; ++i) drawn.row(i, rows[i]);
  return rows;
}

TEST(GaussianBaseline, HasTheMomentsOfTheData) {
  // x and -x at 40 lengths, correlated; one far pair makes the range wide, so that clipping is rare. The third
  // coordinate never changes: a singular covariance.
  Rows rows(80, 3);
  for (std::size_t i = 0; i < 80; ++i) {
    const double sign = i % 2 == 0 ? 1 : -1;
    const double size = i < 2 ? 30 : 1 + 0.1 * static_cast<double>(i / 2);
    rows(i, 0) = sign * size;
    rows(i, 1) = (i / 2 % 3 == 0 ? 0.5 : -0.25) * sign * size;
    rows(i, 2) = 3;
  }
  const Dataset data = make_dataset("rows", std::vector<double>(rows.values().begin(), rows.values().end()), {1, 1, 3});
  const std::size_t count = 20000;
  const Rows drawn = draws(data, count);
  const MeanAndCovariance expected = mean_and_covariance(rows.view(), {});
  const MeanAndCovariance found = mean_and_covariance(drawn.view(), {});
  const double share = 79.0 / 80.0;  // the data set is the population
  for (std::size_t a = 0; a < 3; ++a) {
    EXPECT_NEAR(found.mean[a], expected.mean[a],
                4 * std::sqrt(expected.covariance(a, a) / static_cast<double>(count)) + 1e-12);
    for (std::size_t b = 0; b < 3; ++b) {
      const double c = share * expected.covariance(a, b);
      // Var of a sample covariance: (S_aa S_bb + S_ab^2)/count; four of its roots.
      const double error =
          std::sqrt((expected.covariance(a, a) * expected.covariance(b, b) + c * c) / static_cast<double>(count));
      EXPECT_NEAR(found.covariance(a, b), c, 4 * error + 1e-12) << a << b;
    }
  }
  for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(drawn(i, 2), 3, 1e-12);
}

TEST(GaussianBaseline, IsClippedAndADrawIsAFunctionOfItsNumber) {
  std::vector<std::uint8_t> bits(300);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = i * 7 % 5 < 2 ? 0 : 255;
  const Dataset data = make_dataset("bits", std::move(bits), {1, 1, 3}, kImageUnits);
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  const Rows many = draws(data, 500, context);
  const Rows few = draws(data, 20);
  EXPECT_TRUE(std::ranges::equal(few.values(), many.values().subspan(0, few.values().size())));
  EXPECT_EQ(*std::ranges::min_element(many.values()), -1);
  EXPECT_EQ(*std::ranges::max_element(many.values()), 1);
}

}  // namespace
}  // namespace scorefield

#include "scorefield/metrics/intervals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/subset.h"

namespace scorefield {
namespace {

/// P(X >= k), X ~ Binomial(n, p), term by term.
double tail_by_sum(std::size_t k, std::size_t n, double p) {
  const auto count = static_cast<double>(n);
  double sum = 0.0;
  for (std::size_t j = k; j <= n; ++j) {
    const auto x = static_cast<double>(j);
    sum += std::exp(std::lgamma(count + 1) - std::lgamma(x + 1) - std::lgamma(count - x + 1) + x * std::log(p) +
                    (count - x) * std::log1p(-p));
  }
  return sum;
}

TEST(BinomialInterval, HasTheClosedFormAtTheEnds) {
  for (const std::size_t n : {1U, 10U, 10000U}) {
    const auto count = static_cast<double>(n);
    const Proportion none = binomial_interval(0, n);
    EXPECT_EQ(none.low, 0.0);
    EXPECT_NEAR(none.high, 1 - std::pow(0.025, 1 / count), 1e-12);
    const Proportion all = binomial_interval(n, n);
    EXPECT_NEAR(all.low, std::pow(0.025, 1 / count), 1e-12);
    EXPECT_EQ(all.high, 1.0);
  }
}

TEST(BinomialInterval, AgreesWithPublishedTables) {
  // Four of ten: 12.16 % to 73.76 % (Clopper & Pearson's chart; given to four digits in many textbooks).
  const Proportion p = binomial_interval(4, 10);
  EXPECT_NEAR(p.low, 0.1216, 5e-5);
  EXPECT_NEAR(p.high, 0.7376, 5e-5);
  EXPECT_EQ(p.value, 0.4);
}

TEST(BinomialInterval, LeavesHalfTheErrorInEachTail) {
  for (const auto& [k, n] :
       std::vector<std::pair<std::size_t, std::size_t>>{{1, 7}, {4, 10000}, {50, 64}, {9999, 10000}}) {
    for (const double confidence : {0.9, 0.95, 0.999}) {
      const Proportion p = binomial_interval(k, n, confidence);
      const double half = (1 - confidence) / 2;
      // lgamma(1e4) is 8e4: its rounding, 1e-11, is the error of the sums.
      EXPECT_NEAR(tail_by_sum(k, n, p.low), half, 1e-9);
      EXPECT_NEAR(tail_by_sum(k + 1, n, p.high), 1 - half, 1e-9);
    }
  }
}

TEST(BinomialInterval, RefusesWhatIsNoCount) {
  EXPECT_THROW(binomial_interval(0, 0), Error);
  EXPECT_THROW(binomial_interval(3, 2), Error);
  EXPECT_THROW(binomial_interval(1, 2, 1.0), Error);
}

TEST(MeanOfSample, StandardErrorCoversTheTruthAtItsRate) {
  // A skewed population of 400; samples of 100, so the finite population correction (0.87) matters.
  std::vector<double> population(400);
  double truth = 0.0;
  for (std::size_t i = 0; i < population.size(); ++i) {
    population[i] = std::sqrt(static_cast<double>(i));
    truth += population[i] / 400;
  }
  double chi = 0.0;
  constexpr int kTrials = 2000;
  for (int seed = 0; seed < kTrials; ++seed) {
    std::vector<double> values;
    for (const std::size_t i : random_subset(seed, 400, 100)) values.push_back(population[i]);
    const Estimate mean = mean_of_sample(values, 400);
    chi += std::pow((mean.value - truth) / mean.standard_error, 2);
  }
  // Mean of squared standardised errors: 1 within 5 sqrt(2/2000) = 0.16 (and Student's 2/97 excess).
  EXPECT_NEAR(chi / kTrials, 1.0, 0.18);
}

TEST(MeanOfSample, IsExactWhenEverythingWasSeen) {
  const std::vector<double> values = {1, 2, 6};
  EXPECT_EQ(mean_of_sample(values, 3).value, 3.0);
  EXPECT_EQ(mean_of_sample(values, 3).standard_error, 0.0);
  EXPECT_NEAR(mean_of_sample(values, 0).standard_error, std::sqrt(7.0 / 3), 1e-15);
  EXPECT_TRUE(std::isnan(mean_of_sample(std::vector<double>{1}, 2).standard_error));
  EXPECT_THROW(mean_of_sample({}, 0), Error);
  EXPECT_THROW(mean_of_sample(values, 2), Error);
}

TEST(QuantileOfSample, Interpolates) {
  const std::vector<double> sorted = {1, 2, 4, 8};
  EXPECT_EQ(quantile_of_sample(sorted, 0.0, 4).value, 1.0);
  EXPECT_EQ(quantile_of_sample(sorted, 0.5, 4).value, 3.0);
  EXPECT_EQ(quantile_of_sample(sorted, 1.0, 4).value, 8.0);
  EXPECT_EQ(quantile_of_sample(sorted, 0.5, 4).low, 3.0);
  EXPECT_EQ(quantile_of_sample(sorted, 0.5, 4).high, 3.0);
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(quantile_of_sample(std::vector<double>{inf, inf}, 0.3, 0).value, inf);
  EXPECT_THROW(quantile_of_sample({}, 0.5, 0), Error);
  EXPECT_THROW(quantile_of_sample(sorted, 1.5, 4), Error);
}

TEST(QuantileOfSample, IntervalHasTheTabulatedRanks) {
  // Median of 20 values at 95 %: the 6th and the 15th (sign-test tables).
  std::vector<double> sorted(20);
  for (std::size_t i = 0; i < sorted.size(); ++i) sorted[i] = static_cast<double>(i + 1);
  const Quantile median = quantile_of_sample(sorted, 0.5, 0);
  EXPECT_EQ(median.low, 6.0);
  EXPECT_EQ(median.high, 15.0);
  // Nothing brackets the 1 % quantile of 20 values from below.
  EXPECT_EQ(quantile_of_sample(sorted, 0.01, 0).low, 1.0);
}

TEST(QuantileOfSample, IntervalCoversAtLeastAtItsRate) {
  int covered = 0;
  constexpr int kTrials = 2000;
  std::vector<double> values(200);
  for (int seed = 0; seed < kTrials; ++seed) {
    const RandomStream stream(seed, Purpose::kTest);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = stream.uniform(k);
    std::sort(values.begin(), values.end());
    const Quantile q = quantile_of_sample(values, 0.9, 0);
    covered += q.low <= 0.9 && 0.9 <= q.high ? 1 : 0;
  }
  // At least 95 %, less four standard deviations of the count; at most 99 % or the interval would be too wide.
  EXPECT_GT(covered, kTrials * 0.95 - 4 * std::sqrt(kTrials * 0.95 * 0.05));
  EXPECT_LT(covered, kTrials * 0.99);
}

}  // namespace
}  // namespace scorefield

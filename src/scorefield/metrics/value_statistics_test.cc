#include "scorefield/metrics/value_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

TEST(ValueStatistics, AgreeWithIntegerArithmetic) {
  constexpr std::size_t kRows = 1000;
  std::vector<std::uint8_t> values(kRows * 3);
  const RandomStream stream(1, Purpose::kTest);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<std::uint8_t>(stream.below(k, 40));
  for (std::size_t i = 0; i < kRows; ++i) values[3 * i + 2] = 7;
  const Dataset data = make_dataset("bytes", values, {3}, {-2.0, 100.0});  // turns the range round
  const ValueStatistics found = value_statistics(data, {});
  double variance = 0.0;
  for (std::size_t k = 0; k < 3; ++k) {
    long sum = 0;
    long squares = 0;
    long low = 255;
    long high = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const long v = values[3 * i + k];
      sum += v;
      squares += v * v;
      low = std::min(low, v);
      high = std::max(high, v);
    }
    const double expected = 4 * (static_cast<double>(squares) / kRows - std::pow(static_cast<double>(sum) / kRows, 2));
    variance += expected;
    EXPECT_NEAR(found.coordinate_mean[k], 100 - 2 * static_cast<double>(sum) / kRows, 1e-12);
    EXPECT_NEAR(found.coordinate_variance[k], expected, 1e-10);
    EXPECT_EQ(found.coordinate_low[k], 100 - 2.0 * static_cast<double>(high));
    EXPECT_EQ(found.coordinate_high[k], 100 - 2.0 * static_cast<double>(low));
  }
  EXPECT_NEAR(found.variance, variance, 1e-10);
  EXPECT_EQ(found.constant_coordinates, 1U);
  EXPECT_EQ(found.low, 100 - 2.0 * 39);
  EXPECT_EQ(found.high, 100.0);
  EXPECT_EQ(found.share_high, static_cast<double>(std::count(values.begin(), values.end(), 0)) / 3000);
  EXPECT_EQ(found.share_low, static_cast<double>(std::count(values.begin(), values.end(), 39)) / 3000);
  double mean = 0.0;
  for (const auto v : values) mean += (100 - 2.0 * v) / 3000;
  double squares = 0.0;
  for (const auto v : values) squares += std::pow(100 - 2.0 * v - mean, 2) / 3000;
  EXPECT_NEAR(found.mean, mean, 1e-12);
  EXPECT_NEAR(found.standard_deviation, std::sqrt(squares), 1e-12);
}

TEST(ValueStatistics, DoNotLoseTheSpreadOfDataFarOffCentre) {
  // 1e8 + {0, 1}: the variance 1/4 is 2.5e-17 of the squared mean.
  std::vector<double> values;
  values.reserve(100);
  for (int i = 0; i < 100; ++i) values.push_back(1e8 + i % 2);
  const ValueStatistics found = value_statistics(make_dataset("far", std::move(values), {1}), {});
  EXPECT_NEAR(found.variance, 0.25, 1e-14);
  EXPECT_EQ(found.mean, 1e8 + 0.5);
}

TEST(ValueStatistics, AConstantHasNoVariance) {
  const ValueStatistics found = value_statistics(make_dataset<float>("tenths", std::vector<float>(30, 0.1F), {3}), {});
  EXPECT_EQ(found.variance, 0.0);
  EXPECT_EQ(found.constant_coordinates, 3U);
  EXPECT_EQ(found.share_low, 1.0);
  EXPECT_EQ(found.share_high, 1.0);
  const ValueStatistics one = value_statistics(make_dataset<double>("one", {3.5}, {1}), {});
  EXPECT_EQ(one.mean, 3.5);
  EXPECT_EQ(one.standard_deviation, 0.0);
}

TEST(ValueStatistics, GiveTheSameBitsForEveryNumberOfThreads) {
  std::vector<float> values(5000);
  const RandomStream stream(2, Purpose::kTest);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(stream.uniform(k));
  const Dataset data = make_dataset("floats", std::move(values), {5});
  ThreadPool pool(3);
  Context context;
  context.pool = &pool;
  EXPECT_EQ(value_statistics(data, context).coordinate_variance, value_statistics(data, {}).coordinate_variance);
}

TEST(ValueStatistics, NameThePlaceOfAValueThatIsNotFinite) {
  const Dataset data = make_dataset<float>("broken", {1, 2, 3, std::numeric_limits<float>::quiet_NaN()}, {2});
  try {
    value_statistics(data, {});
    FAIL() << "a NaN";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("broken: row 1"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace scorefield

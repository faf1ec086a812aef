#include "scorefield/metrics/memorisation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Dataset uniform_square(std::size_t n, std::uint64_t seed) {
  std::vector<double> values(2 * n);
  const RandomStream stream(seed, Purpose::kTest);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = stream.uniform(k);
  return make_dataset("square", std::move(values), {2});
}

TEST(CopyRule, AsksForASmallDistanceAndASmallRatio) {
  const CopyRule rule{1.0 / 3, 1.0, 10.0};
  EXPECT_TRUE(rule.is_copy(0.5, 9.0));
  EXPECT_FALSE(rule.is_copy(2.0, 9.0)) << "the ratio alone is not enough";
  EXPECT_FALSE(rule.is_copy(0.9, 1.2)) << "nor is the distance";
  EXPECT_TRUE(rule.is_copy(0.9, 0.95)) << "between two near-duplicates";
  EXPECT_TRUE(rule.is_copy(0.0, 0.0)) << "an exact duplicate of two rows";
  EXPECT_TRUE(rule.is_copy(0.5, kInfinity)) << "one training row";
  EXPECT_FALSE(rule.is_copy(1.5, kInfinity));
}

TEST(CopyRule, ThresholdIsATenthOfTheMedianNeighbourDistance) {
  // Poisson points of density n in the plane: P(distance > r) = exp(-n pi r^2), median sqrt(ln 2 / (n pi)).
  constexpr std::size_t kRows = 20000;
  const CopyRule rule = fit_copy_rule(uniform_square(kRows, 1), 0, {});
  const double median = std::sqrt(std::log(2.0) / (kRows * M_PI));
  // Of 1000 draws the median has the standard error 1 / (2 f sqrt(1000)), density f = 2 n pi r / 2: 2.3 % of it.
  EXPECT_NEAR(rule.median_distance, median, 4 * 0.023 * median);
  EXPECT_DOUBLE_EQ(rule.threshold, 0.1 * rule.median_distance);
}

TEST(CopyRule, ExactDuplicatesDoNotShrinkTheThreshold) {
  std::vector<float> values;
  for (int i = 0; i < 10; ++i) values.insert(values.end(), 2, static_cast<float>(5 * i));  // every point twice
  const CopyRule rule = fit_copy_rule(make_dataset("pairs", std::move(values), {1}), 0, {});
  EXPECT_EQ(rule.median_distance, 5.0);
  EXPECT_EQ(rule.threshold, 0.5);
}

TEST(CopyRule, FallsBackOnTheStorageResolution) {
  // One row, and three equal rows: no distance sets a scale.
  for (const std::size_t n : {1U, 3U}) {
    const Dataset images =
        make_dataset<std::uint8_t>("grey", std::vector<std::uint8_t>(4 * n, 200), {1, 2, 2}, kImageUnits);
    const CopyRule rule = fit_copy_rule(images, 0, {});
    EXPECT_EQ(rule.median_distance, 0.0);
    EXPECT_DOUBLE_EQ(rule.threshold, 0.5 / 127.5 * 2);
    Rows samples(2, 4);
    for (std::size_t k = 0; k < 4; ++k) {
      samples(0, k) = kImageUnits.to_data(200.4);  // stored as 200
      samples(1, k) = kImageUnits.to_data(201.0);
    }
    const Copies copies = find_copies(rule, nearest_two(images, samples.view(), {}));
    EXPECT_EQ(copies.is_copy, (std::vector<bool>{true, false}));
  }
  const CopyRule rule = fit_copy_rule(make_dataset<double>("point", {300, 400}, {2}), 0, {});
  EXPECT_DOUBLE_EQ(rule.threshold, 500 * 0x1p-52);
  const CopyRule single = fit_copy_rule(make_dataset<float>("point", {300, 400}, {2}), 0, {});
  EXPECT_DOUBLE_EQ(single.threshold, 500 * 0x1p-23);
}

TEST(CopyRule, DoesNotDependOnWhereFloat64DataLie) {
  constexpr double kOffset = 1e8;
  std::vector<double> values(3 * 500);
  RandomStream(3, Purpose::kTest).normals(values);
  const CopyRule centred = fit_copy_rule(make_dataset("centred", std::vector<double>(values), {3}), 0, {});
  for (double& v : values) v += kOffset;
  const CopyRule rule = fit_copy_rule(make_dataset("off centre", std::move(values), {3}), 0, {});
  EXPECT_DOUBLE_EQ(rule.threshold, 0.1 * rule.median_distance);
  // A coordinate moves by half a unit in the last place of 1e8, 2^-27; a distance by that of both ends at most.
  EXPECT_NEAR(rule.median_distance, centred.median_distance, 2 * std::sqrt(3.0) * 0x1p-27);
  EXPECT_GT(centred.median_distance, 0.1) << "of 500 normal points in space";
}

TEST(CopyRule, DoesNotDependOnTheUnits) {
  const Dataset data = uniform_square(500, 2);
  const CopyRule rule = fit_copy_rule(data, 0, {});
  const CopyRule scaled = fit_copy_rule(data.with_affine({-4.0, 100.0}), 0, {});
  EXPECT_NEAR(scaled.threshold, 4 * rule.threshold, 1e-12);  // about 100 * 2^-52 * cancellation
}

TEST(FindCopies, CountsByRow) {
  const CopyRule rule{1.0 / 3, 1.0, 10.0};
  NearestTwo nearest;
  nearest.d1 = {0.3, 0.4, 5.0, 0.0, 0.0};
  nearest.d2 = {9.0, 9.0, 6.0, 9.0, 9.0};
  nearest.index1 = {7, 2, 1, 7, 1};
  nearest.index2 = {0, 0, 0, 0, 0};
  const Copies copies = find_copies(rule, nearest);
  EXPECT_EQ(copies.is_copy, (std::vector<bool>{true, true, false, true, true}));
  EXPECT_EQ(copies.rows, (std::vector<RowCount>{{7, 2}, {1, 1}, {2, 1}}));
  EXPECT_EQ(copies.share.count, 4U);
  EXPECT_EQ(copies.share.total, 5U);
  EXPECT_DOUBLE_EQ(copies.rms_distance, 0.25);  // sqrt((0.09 + 0.16) / 4)
  EXPECT_THROW(find_copies(rule, {}), Error);
}

TEST(FalsePositiveRate, IsWhatTheTheorySaysInThePlane) {
  // d1 <= tau is asked of fresh Poisson points: 1 - exp(-n pi tau^2) with tau a tenth of the median, 0.0069. The ratio
  // excludes few of these (the second row within 3 tau: n pi 9 tau^2 = 0.06), and those within 0 to tau/3 do not care.
  const Dataset training = uniform_square(20000, 1);
  const Dataset fresh = uniform_square(20000, 2);
  const CopyRule rule = fit_copy_rule(training, 0, {});
  const Proportion rate = false_positive_rate(rule, training, &fresh, 20000, 0, {});
  const double theory = std::log(2.0) / 100;
  // Five standard deviations of the count, and the threshold's own error (4.6 % at one standard error, squared scale).
  EXPECT_NEAR(rate.value, theory, 5 * std::sqrt(theory / 20000) + 0.15 * theory);
  EXPECT_EQ(rate.total, 20000U);
  const Proportion left_out = false_positive_rate(rule, training, nullptr, 5000, 0, {});
  EXPECT_NEAR(left_out.value, theory, 5 * std::sqrt(theory / 5000) + 0.15 * theory);
}

TEST(FalsePositiveRate, FindsCopiesThatAreThere) {
  const Dataset training = uniform_square(100, 1);
  const std::vector<std::size_t> rows = {3, 50, 99};
  const Dataset copies = training.select(rows);
  const CopyRule rule = fit_copy_rule(training, 0, {});
  EXPECT_EQ(false_positive_rate(rule, training, &copies, 10, 0, {}).count, 3U);
}

TEST(FalsePositiveRate, IsNotMeasurableOnOneRowAlone) {
  const Dataset training = uniform_square(1, 1);
  const CopyRule rule = fit_copy_rule(training, 0, {});
  const Proportion rate = false_positive_rate(rule, training, nullptr, 10, 0, {});
  EXPECT_EQ(rate.total, 0U);
  EXPECT_TRUE(std::isnan(rate.value));
  EXPECT_EQ(rate.low, 0.0);
  EXPECT_EQ(rate.high, 1.0);
  const Dataset fresh = uniform_square(10, 2);
  EXPECT_EQ(false_positive_rate(rule, training, &fresh, 10, 0, {}).total, 10U) << "held-out rows measure it";
}

}  // namespace
}  // namespace scorefield

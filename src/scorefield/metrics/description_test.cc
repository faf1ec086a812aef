#include "scorefield/metrics/description.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/metrics/description_json.h"

namespace scorefield {
namespace {

Dataset uniform_square(std::size_t n, std::uint64_t seed) {
  std::vector<double> values(2 * n);
  const RandomStream stream(seed, Purpose::kTest);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = stream.uniform(k);
  return make_dataset("square", std::move(values), {2});
}

TEST(Describe, FindsWhatWasPutIn) {
  // A line with steps 1, 2, 4, ...; an exact pair with two labels, and a near pair.
  const Dataset data =
      make_dataset<double>("line", {0, 1, 3, 7, 7, 15, 31, 31.01}, {1}, {}, {0, 0, 0, 1, 0, 1, 1, 1}, {"low", "high"});
  const DataDescription found = describe(data, nullptr, {}, {});
  EXPECT_EQ(found.exact_duplicates, (std::vector<std::vector<std::uint32_t>>{{3, 4}}));
  EXPECT_EQ(found.conflicting_duplicates, 1U);
  // Nearest at positive distances: 1 1 2 4 4 8 0.01 0.01, median 1.5.
  EXPECT_DOUBLE_EQ(found.rule.threshold, 0.15);
  ASSERT_EQ(found.near_duplicates.size(), 1U);
  EXPECT_EQ(found.near_duplicates[0].first, 6U);
  EXPECT_EQ(found.near_duplicates[0].second, 7U);
  ASSERT_GE(found.closest_pairs.size(), 2U);
  EXPECT_EQ(found.closest_pairs[0], found.near_duplicates[0]);
  EXPECT_EQ(found.closest_pairs[1], (RowPair{0, 1, 1.0}));
  ASSERT_EQ(found.labels.size(), 2U);
  EXPECT_EQ(found.labels[1].name, "high");
  EXPECT_EQ(found.labels[1].count, 4U);
  ASSERT_TRUE(found.within);
  EXPECT_EQ(found.within->rows.size(), 8U);
  EXPECT_EQ(found.within->d1.mean.standard_error, 0.0) << "every row was asked";
  EXPECT_EQ(found.within->equal.count, 2U);
  EXPECT_FALSE(found.held_out);
  EXPECT_NEAR(found.spectrum.total_variance, found.values.variance, 1e-12 * found.values.variance);
}

TEST(Describe, SamplesWithErrorsThatCoverTheWhole) {
  const Dataset data = uniform_square(2000, 1);
  const DataDescription whole = describe(data, nullptr, {}, {});
  ASSERT_EQ(whole.within->rows.size(), 2000U);
  const double truth = whole.within->d1.mean.value;
  const double median = whole.within->d1.quantiles[3].value;
  double chi = 0.0;
  int covered = 0;
  constexpr int kTrials = 60;
  for (int seed = 0; seed < kTrials; ++seed) {
    DescribeOptions options;
    options.rows = 200;
    options.seed = static_cast<std::uint64_t>(seed);
    const DataDescription part = describe(data, nullptr, options, {});
    ASSERT_EQ(part.within->rows.size(), 200U);
    chi += std::pow((part.within->d1.mean.value - truth) / part.within->d1.mean.standard_error, 2) / kTrials;
    const Quantile& q = part.within->d1.quantiles[3];
    covered += q.low <= median && median <= q.high ? 1 : 0;
  }
  EXPECT_NEAR(chi, 1.0, 5 * std::sqrt(2.0 / kTrials));
  EXPECT_GE(covered, kTrials * 0.95 - 4 * std::sqrt(kTrials * 0.95 * 0.05));
}

TEST(Describe, HoldsOtherRowsAgainstTheTrainingSet) {
  const Dataset data = uniform_square(500, 1);
  const Dataset fresh = uniform_square(300, 2);
  const DataDescription found = describe(data, &fresh, {}, {});
  ASSERT_TRUE(found.held_out);
  EXPECT_EQ(found.held_out->population, 300U);
  EXPECT_EQ(found.held_out->rows.size(), 300U);
  // Uniform points in the plane: P(d1/d2 < 1/3) = 1/9, but for the edges; five standard deviations of the count.
  EXPECT_NEAR(found.held_out->below_third.value, 1.0 / 9, 5 * std::sqrt(8.0 / 81 / 300));
  const std::vector<std::size_t> closest = closest_rows(*found.held_out, 5);
  ASSERT_EQ(closest.size(), 5U);
  const auto smallest = std::ranges::min_element(found.held_out->nearest.d1) - found.held_out->nearest.d1.begin();
  EXPECT_EQ(closest[0], static_cast<std::size_t>(smallest));
  EXPECT_TRUE(std::ranges::is_sorted(closest, {}, [&](std::size_t i) { return found.held_out->nearest.d1[i]; }));
  // Its own rows as the held-out set: every one a copy.
  const DataDescription itself = describe(data, &data, {}, {});
  EXPECT_EQ(itself.held_out->called_copies.value, 1.0);
  EXPECT_EQ(itself.held_out->equal.count, 500U);
}

TEST(Describe, TakesTheSmallestDataSets) {
  const Dataset one = make_dataset<float>("one", {2.5F}, {1});
  const DataDescription single = describe(one, &one, {}, {});
  EXPECT_FALSE(single.within);
  ASSERT_TRUE(single.held_out);
  EXPECT_FALSE(single.held_out->d2);
  EXPECT_EQ(single.held_out->called_copies.count, 1U);
  const Dataset two = make_dataset<float>("two", {0, 1}, {1});
  const DataDescription pair = describe(two, nullptr, {}, {});
  ASSERT_TRUE(pair.within);
  EXPECT_FALSE(pair.within->d2);
  EXPECT_FALSE(pair.within->ratio);
  EXPECT_EQ(pair.closest_pairs, (std::vector<RowPair>{{0, 1, 1.0}}));
  const Dataset constant = make_dataset<float>("constant", std::vector<float>(12, 3), {2});
  const DataDescription same = describe(constant, nullptr, {}, {});
  EXPECT_EQ(same.exact_duplicates.size(), 1U);
  EXPECT_EQ(same.values.variance, 0.0);
  EXPECT_TRUE(same.closest_pairs.empty());
  EXPECT_EQ(same.within->called_copies.value, 1.0);
}

TEST(Describe, RefusesAnotherShapeBeforeItWorks) {
  const Dataset data = uniform_square(10, 1);
  const Dataset line = make_dataset<float>("line", {1, 2, 3}, {1});
  EXPECT_THROW(describe(data, &line, {}, {}), Error);
  DescribeOptions none;
  none.rows = 0;
  EXPECT_THROW(describe(data, nullptr, none, {}), Error);
}

TEST(DescriptionJson, SaysTheSameAndHoldsNoInfinity) {
  const Dataset data = uniform_square(50, 1);
  const Dataset one = uniform_square(1, 2);
  DescribeOptions options;
  options.rows = 1;
  const DataDescription found = describe(data, &one, options, {});
  const nlohmann::json json = nlohmann::json::parse(description_json(found).dump());
  const nlohmann::json what = dataset_json(data);
  EXPECT_EQ(what["rows"], 50);
  EXPECT_EQ(what["shape"], std::vector<int>{2});
  EXPECT_EQ(what["bytes"], 800);
  EXPECT_EQ(what["stored"], "float64");
  EXPECT_EQ(what["digest"], data.digest());
  EXPECT_EQ(json["values"]["variance"], found.values.variance);
  EXPECT_EQ(json["values"]["coordinates"]["low"].size(), 2U);
  EXPECT_EQ(json["copy_rule"]["threshold"], found.rule.threshold);
  EXPECT_EQ(json["held_out"]["rows"], 1);
  EXPECT_EQ(json["spectrum"]["variances"], found.spectrum.variances);
  EXPECT_EQ(json["spectrum"]["components"][1]["count"], 2) << "no axis of a square holds 90 %";
  EXPECT_EQ(json["held_out"]["d1"]["standard_error"], 0.0);
  EXPECT_TRUE(json["within"]["d1"]["standard_error"].is_null()) << "one of fifty rows";
}

}  // namespace
}  // namespace scorefield

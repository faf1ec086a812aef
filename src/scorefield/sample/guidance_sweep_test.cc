#include "scorefield/sample/guidance_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/synthetic.h"
#include "scorefield/field/empirical.h"
#include "scorefield/field/guidance.h"
#include "scorefield/field/synthetic_law.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/guidance_pictures.h"

namespace scorefield {
namespace {

std::vector<double> some_levels() {
  ScheduleOptions schedule;
  schedule.steps = 32;
  std::vector<double> levels = noise_levels(schedule);
  levels.insert(levels.begin(), std::numeric_limits<double>::infinity());
  return levels;
}

std::vector<std::uint64_t> numbered(std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

TEST(ExpectedDistinct, IsThatOfEveryOutcome) {
  // All 3^4 outcomes of 4 draws from three values.
  const std::vector<double> p = {0.5, 0.3, 0.2};
  double mean = 0;
  double square = 0;
  for (int outcome = 0; outcome < 81; ++outcome) {
    double probability = 1;
    int seen = 0;
    for (int draw = 0, rest = outcome; draw < 4; ++draw, rest /= 3) {
      probability *= p[static_cast<std::size_t>(rest % 3)];
      seen |= 1 << (rest % 3);
    }
    const int distinct = (seen & 1) + (seen >> 1 & 1) + (seen >> 2 & 1);
    mean += probability * distinct;
    square += probability * distinct * distinct;
  }
  const Estimate expected = expected_distinct(p, 4);
  EXPECT_NEAR(expected.value, mean, 1e-14);
  EXPECT_NEAR(expected.standard_error, std::sqrt(square - mean * mean), 1e-14);
  const std::vector<double> equal(10, 0.1);
  EXPECT_NEAR(expected_distinct(equal, 7).value, 10 * (1 - std::pow(0.9, 7)), 1e-14);
}

TEST(DistinctError, IsTheJackknife) {
  // Values a a b c c c d of 7 draws: leaving out one of the two that are there once loses a value.
  const std::vector<double> left_out = {4, 4, 3, 4, 4, 4, 3};
  const double mean = std::accumulate(left_out.begin(), left_out.end(), 0.0) / 7;
  double sum = 0;
  for (const double value : left_out) sum += (value - mean) * (value - mean);
  EXPECT_NEAR(distinct_error(2, 7), std::sqrt(6.0 / 7 * sum), 1e-14);
}

TEST(GuidanceSweep, AtScaleOneItIsTheClass) {
  const SyntheticData made = make_synthetic("mixture:d=2,modes=6,classes=2,rank=2,noise=0.2,n=500", {});
  const GaussianMixture law = synthetic_law(made.truth);
  const Guided none(law, {law}, {.scale = 0});
  const Guided own(law, {law}, {.scale = 1});
  const Guided strong(law, {law}, {.scale = 4});
  const std::vector<double> levels = some_levels();
  GuidanceSweep sweep{.data = made.data,
                      .law = &law,
                      .label = 1,
                      .trials = {{0, none}, {1, own}, {4, strong}},
                      .sampling = {.field = law, .sampler = find_sampler("heun"), .levels = levels},
                      .seeds = numbered(1500),
                      .batch = 400,
                      .side = 12};
  const GuidanceReport report = sweep_guidance(sweep, {});
  ASSERT_TRUE(report.complete(sweep));
  EXPECT_EQ(report.reference.modes, (std::vector<std::uint32_t>{1, 3, 5}));
  // Of the class: sum over its components of w (|mean - m|^2 + tr C), by hand.
  double spread = 0;
  double mean[2] = {0, 0};
  for (const std::size_t k : {1u, 3u, 5u}) {
    for (std::size_t j = 0; j < 2; ++j) mean[j] += law.components()[k].mean[j] / 3;
  }
  for (const std::size_t k : {1u, 3u, 5u}) {
    const GaussianComponent& c = law.components()[k];
    spread += (std::pow(c.mean[0] - mean[0], 2) + std::pow(c.mean[1] - mean[1], 2) +
               c.covariance.trace([](double v) { return v; })) /
              3;
  }
  EXPECT_NEAR(report.reference.spread, spread, 1e-12);
  const GuidanceResult& class_itself = report.results[1];
  // Three standard errors, and two hundredths: 32 steps of heun are 2 % off (64 steps 0.5 %, by 6000 samples of
  // scorefield guidance).
  EXPECT_NEAR(class_itself.spread.value, spread, 3 * class_itself.spread.standard_error + 0.02 * spread);
  EXPECT_NEAR(class_itself.tilted->value, class_itself.exact_tilted.mean,
              3 * class_itself.exact_tilted.deviation + 0.01);
  EXPECT_NEAR(report.results[0].tilted->value, report.results[0].exact_tilted.mean,
              3 * report.results[0].exact_tilted.deviation + 0.01);
  EXPECT_GT(report.results[2].tilted->value,
            report.results[2].exact_tilted.mean + 5 * report.results[2].exact_tilted.deviation);
  EXPECT_GT(report.results[2].pure.value, class_itself.pure.value);
  EXPECT_GT(class_itself.pure.value, report.results[0].pure.value);
  const auto& hits = class_itself.samples_of_mode;
  EXPECT_EQ(class_itself.modes.value, 3);
  EXPECT_LE(std::accumulate(hits.begin(), hits.end(), std::size_t{0}), 1500u);

  // The same bits for any batch and thread count.
  ThreadPool pool(2);
  Context threads;
  threads.pool = &pool;
  sweep.batch = 1500;
  const GuidanceReport again = sweep_guidance(sweep, threads);
  EXPECT_EQ(guidance_json(again).dump(), guidance_json(report).dump());
  EXPECT_TRUE(std::ranges::equal(again.results[2].samples.values(), report.results[2].samples.values()));
}

TEST(GuidanceSweep, OfRowsCountsRows) {
  // Two classes far from one another, two rows each.
  const Dataset data = make_dataset<double>("rows", {0, 0, 1, 0, 100, 0, 100, 2}, {2}, {}, {0, 0, 1, 1});
  const Empirical field(data, {}, {});
  const Guided own(field, {field}, {.scale = 1});
  const Guided none(field, {field}, {.scale = 0});
  const std::vector<double> levels = some_levels();
  const GuidanceSweep sweep{.data = data,
                            .label = 1,
                            .trials = {{0, none}, {1, own}},
                            .sampling = {.field = field, .sampler = find_sampler("heun"), .levels = levels},
                            .seeds = numbered(64)};
  const GuidanceReport report = sweep_guidance(sweep, {});
  EXPECT_DOUBLE_EQ(report.reference.spread, 1);
  EXPECT_EQ(report.reference.mode_count, 2u);
  EXPECT_EQ(report.results[1].pure.count, 64u);
  EXPECT_EQ(report.results[1].modes.value, 2);
  EXPECT_FALSE(report.results[1].tilted.has_value());
  // Half of all rows are of the class: four standard deviations of a fair coin.
  EXPECT_NEAR(report.results[0].pure.value, 0.5, 4 * 0.5 / 8);

  const TestFolder folder;
  write_guidance(sweep, report, folder);
  for (const char* name : {"report.json", "samples.npz", "curves.png", "samples.png"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  }
}

TEST(GuidanceSweep, ASampleOfOneStepBelongsWhereItIs) {
  // From sigma = inf straight to 0 every sample is the mean of the class, here of one narrow component far from the
  // other: no noise is left, and least of all that of sigma = inf.
  const GaussianMixture law(
      {{1, {-3, 0}, Covariance::isotropic(2, 0.01), 0}, {1, {3, 0}, Covariance::isotropic(2, 0.01), 1}});
  const Dataset data = make_dataset<double>("rows", {-3, 0, 3, 0}, {2}, {}, {0, 1});
  const Guided own(law, {law}, {.scale = 1});
  const GuidanceSweep sweep{.data = data,
                            .law = &law,
                            .label = 1,
                            .trials = {{1, own}},
                            .sampling = {.field = law,
                                         .sampler = find_sampler("heun"),
                                         .levels = {std::numeric_limits<double>::infinity(), 0}},
                            .seeds = numbered(5),
                            .side = 4};
  const GuidanceReport report = sweep_guidance(sweep, {});
  EXPECT_EQ(report.results[0].pure.count, 5u);
  EXPECT_EQ(report.results[0].samples_of_mode, (std::vector<std::size_t>{5}));
}

TEST(GuidanceSweep, RefusesAClassThatIsNotThere) {
  const Dataset data = make_dataset<double>("rows", {0, 0, 1, 0}, {2}, {}, {0, 2});
  const Empirical field(data, {}, {});
  const std::vector<double> levels = some_levels();
  GuidanceSweep sweep{.data = data,
                      .label = 1,
                      .trials = {},
                      .sampling = {.field = field, .sampler = find_sampler("heun"), .levels = levels},
                      .seeds = numbered(2)};
  EXPECT_THAT([&] { (void)sweep_guidance(sweep, {}); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("nothing of class 1")));
}

}  // namespace
}  // namespace scorefield

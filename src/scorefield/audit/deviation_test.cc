#include "scorefield/audit/deviation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "scorefield/audit/deviation_figures.h"
#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/gaussian.h"

namespace scorefield {
namespace {

constexpr double kVariance = 2;
const double kInfinity = std::numeric_limits<double>::infinity();

Gaussian gaussian(const std::vector<double>& mean) {
  return {mean, Covariance::isotropic(mean.size(), kVariance)};
}

std::vector<std::uint64_t> first_seeds(std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

// Two Gaussians of one covariance v I, whose means are Delta = (3, 0, -4) apart: D - D* at one x is (1 - c) Delta, c =
// v/(v + sigma^2), whatever x is.
const Gaussian& exact() {
  static const Gaussian field = gaussian({1, 2, 3});
  return field;
}
const Gaussian& model() {
  static const Gaussian field = gaussian({4, 2, -1});
  return field;
}
constexpr double kDelta = 5;

double kept(double sigma) {
  return std::isinf(sigma) ? 0 : kVariance / (kVariance + sigma * sigma);
}

TEST(Deviation, OnNoisedDataIsTheClosedForm) {
  const std::vector<double> levels = {kInfinity, 80, 1, 0.01};
  constexpr std::size_t kRows = 4000;
  const auto found = deviation_on_noised_data(model(), exact(), levels, first_seeds(kRows), -1, {});
  ASSERT_EQ(found.size(), levels.size());
  for (std::size_t n = 0; n < levels.size(); ++n) {
    const double c = kept(levels[n]);
    EXPECT_EQ(found[n].sigma, levels[n]);
    // Rows all alike, up to 4000 roundings of their sum.
    EXPECT_NEAR(found[n].apart.value, (1 - c) * kDelta, kRows * 1.2e-16 * kDelta) << levels[n];
    EXPECT_LT(found[n].apart.standard_error, 1e-14);
    // D* - x_0 ~ N(0, v (1 - c) I), whose length is a chi of three degrees: mean sqrt(8/pi). Four standard errors.
    const double spread = std::sqrt(kVariance * (1 - c));
    EXPECT_NEAR(found[n].exact_error.value, spread * std::sqrt(8 / M_PI), 4 * found[n].exact_error.standard_error);
    EXPECT_NEAR(found[n].exact_error.standard_error, spread * std::sqrt((3 - 8 / M_PI) / kRows), 0.05 * spread);
    // At 0.01 the model is nearly exact too, and chance decides.
    if (levels[n] >= 1) {
      EXPECT_GT(found[n].model_error.value, found[n].exact_error.value) << levels[n];
    }
  }
}

TEST(Deviation, OnTrajectoriesIsEulersRecursion) {
  const std::vector<double> levels = {10, 4, 2, 0.5, 0.1, 0};
  const Sampling sampling{.field = exact(), .sampler = find_sampler("euler"), .levels = levels};
  const TrajectoryDeviations found = deviation_on_trajectories(model(), sampling, first_seeds(7), -1, {});
  ASSERT_EQ(found.levels.size(), 5u);
  double states = 0;  // |x - x*|, along Delta
  for (std::size_t n = 0; n < 5; ++n) {
    const double c = kept(levels[n]);
    const double denoised = c * states + (1 - c) * kDelta;
    // States of up to 40 and a few roundings a step.
    EXPECT_NEAR(found.levels[n].states.value, states, 1e-13) << n;
    EXPECT_NEAR(found.levels[n].denoised.value, denoised, 1e-13) << n;
    EXPECT_NEAR(found.levels[n].on_model.value, (1 - c) * kDelta, 1e-13) << n;
    EXPECT_NEAR(found.levels[n].on_exact.value, (1 - c) * kDelta, 1e-13) << n;
    const double q = levels[n + 1] / levels[n];
    states = q * states + (1 - q) * denoised;
  }
  EXPECT_NEAR(found.ends.value, states, 1e-13);
  EXPECT_EQ(found.exact_ends.rows(), 7u);
  EXPECT_NEAR(found.model_ends(2, 0) - found.exact_ends(2, 0), 0.6 * states, 1e-13);
}

TEST(Deviation, OfAFieldFromItselfIsNone) {
  const std::vector<double> levels = {5, 1, 0.1};
  for (const NoisedDeviation& level : deviation_on_noised_data(exact(), exact(), levels, first_seeds(5), -1, {})) {
    EXPECT_EQ(level.apart.value, 0);
    EXPECT_EQ(level.model_error.value, level.exact_error.value);
  }
  const Sampling sampling{.field = exact(), .sampler = find_sampler("posterior"), .levels = levels};
  const TrajectoryDeviations found = deviation_on_trajectories(exact(), sampling, first_seeds(5), -1, {});
  EXPECT_EQ(found.ends.value, 0);  // a stochastic sampler has the seeds' noise in both runs
  for (const TrajectoryDeviation& level : found.levels) EXPECT_EQ(level.denoised.value, 0);
}

TEST(Deviation, DoesNotDependOnThreads) {
  ThreadPool pool(3);
  const std::vector<double> levels = {5, 1, 0.1};
  const Sampling sampling{.field = exact(), .sampler = find_sampler("heun"), .levels = levels};
  const auto alone = deviation_on_trajectories(model(), sampling, first_seeds(50), -1, {});
  const auto shared = deviation_on_trajectories(model(), sampling, first_seeds(50), -1, {.pool = &pool});
  for (std::size_t n = 0; n < alone.levels.size(); ++n) {
    EXPECT_EQ(alone.levels[n].denoised.value, shared.levels[n].denoised.value);
  }
}

TEST(Deviation, SaysWhatIsWrong) {
  const Gaussian other = gaussian({0, 0});
  const std::vector<double> levels = {5, 1};
  const auto message = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const Sampling sampling{.field = exact(), .sampler = find_sampler("euler"), .levels = levels};
  const char* const sizes =
      "the model is of rows of 2 values, the exact field of rows of 3; they have to be of the same data";
  EXPECT_EQ(message([&] { deviation_on_noised_data(other, exact(), levels, first_seeds(2), -1, {}); }), sizes);
  EXPECT_EQ(message([&] { deviation_on_trajectories(other, sampling, first_seeds(2), -1, {}); }), sizes);
  EXPECT_THAT(
      message([&] { deviation_on_trajectories(model(), sampling, first_seeds(200), -1, {.memory_limit = 1000}); }),
      testing::HasSubstr("take fewer seeds"));
}

TEST(DeviationFigures, ShowEveryLevelAndItsError) {
  const std::vector<double> levels = {80, 1, 0.01};
  const auto noised = deviation_on_noised_data(model(), exact(), levels, first_seeds(20), -1, {});
  const Figure one = noised_deviation_figure(noised);
  ASSERT_EQ(one.panels.size(), 1u);
  ASSERT_EQ(one.panels[0].series.size(), 3u);
  EXPECT_EQ(one.panels[0].series[2].x, levels);
  EXPECT_EQ(one.panels[0].series[2].y[1], noised[1].exact_error.value);
  EXPECT_EQ(one.panels[0].series[2].error[1], noised[1].exact_error.standard_error);
  const Sampling sampling{.field = exact(), .sampler = find_sampler("euler"), .levels = levels};
  const auto runs = deviation_on_trajectories(model(), sampling, first_seeds(4), -1, {});
  const Figure four = trajectory_deviation_figure(runs.levels);
  ASSERT_EQ(four.panels.size(), 4u);
  EXPECT_EQ(four.panels[1].series[0].y[1], runs.levels[1].denoised.value);
  EXPECT_EQ(four.panels[3].series[0].y[0], runs.levels[0].on_exact.value);
}

}  // namespace
}  // namespace scorefield

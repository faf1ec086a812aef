#include "scorefield/experiment/order.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/field/gaussian.h"
#include "tests/points8.h"

namespace scorefield {
namespace {

std::unique_ptr<const Field> make_field(const std::string& name) {
  if (name == "gaussian") {
    return std::make_unique<Gaussian>(std::vector<double>{0.3, -0.2}, Covariance::diagonal({0.5, 0.1}));
  }
  std::vector<GaussianComponent> components;
  if (name == "mixture") {
    components.push_back({.weight = 1, .mean = {1, 0}, .covariance = Covariance::isotropic(2, 0.1)});
    components.push_back({.weight = 2, .mean = {-1, 0.5}, .covariance = Covariance::diagonal({0.3, 0.05})});
  } else {
    for (std::size_t i = 0; i < 8; ++i) {
      components.push_back({.weight = 1,
                            .mean = {test::kPoints8[2 * i], test::kPoints8[2 * i + 1]},
                            .covariance = Covariance::isotropic(2, 0)});
    }
  }
  return std::make_unique<GaussianMixture>(std::move(components));
}

std::vector<std::uint64_t> seeds_up_to(std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

/// Polynomial nodes; rho = 1 makes them equal in sigma.
ScheduleOptions nodes(double rho) {
  return {.sigma_min = 0.2, .sigma_max = 3, .rho = rho};
}

/// Those whose error vanishes with the step.
std::vector<const SamplerEntry*> converging(SamplerKind kind) {
  std::vector<const SamplerEntry*> found;
  for (const SamplerEntry& entry : samplers()) {
    if (entry.kind == kind && entry.order > 0) found.push_back(&entry);
  }
  return found;
}

TEST(Order, StochasticSamplersHaveTheirWeakOrderOnAGaussian) {
  const auto vp = make_vp();
  for (const double rho : {7.0, 1.0}) {
    for (const Process* process : {static_cast<const Process*>(nullptr), vp.get()}) {
      for (const SamplerEntry* entry : converging(SamplerKind::kSde)) {
        if (process != nullptr && !entry->in_time) continue;
        const auto order = exact_weak_order(*entry, {}, 0.5, nodes(rho), process, {100, 200, 400});
        // The slope of a halving is p + c h + d h^2: its change at the next halving, c h/2, is what is left of it, and
        // the extrapolation leaves d h^2. h: the last step in log sigma of the second count.
        const double before = 2 * order.slope - order.last_slope;
        const double change = std::abs(order.last_slope - before);
        ScheduleOptions second = nodes(rho);
        second.steps = 201;
        second.end_at_zero = false;
        const double h = std::log(noise_levels(second)[199] / second.sigma_min);
        EXPECT_NEAR(2 * order.last_slope - before, entry->order, change + 10 * h * h) << entry->name << " rho " << rho;
        EXPECT_NEAR(order.last_slope, entry->order, 0.15) << entry->name << " rho " << rho;
      }
    }
  }
}

TEST(Order, OverlappingDrawsAreThoseOfOnePath) {
  // dpmpp-sde draws over the first share r of every step, and over all of it. Only with the covariance of the two does
  // their noise fit.
  const auto order = exact_weak_order(find_sampler("dpmpp-sde"), {.r = 0.3}, 0.5, nodes(7), nullptr, {100, 200, 400});
  EXPECT_NEAR(order.last_slope, 2, 0.05) << "h = 0.007, c up to 7";
}

TEST(Order, WithLessNoiseTheyConvergeToo) {
  for (const double eta : {0.0, 0.5}) {
    for (const char* name : {"euler-ancestral", "dpm2-ancestral", "dpmpp2s-ancestral", "sde-dpmpp1", "dpmpp-sde",
                             "dpmpp2m-sde", "dpmpp2m-sde-heun", "dpmpp3m-sde"}) {
      const SamplerEntry& entry = find_sampler(name);
      const auto order = exact_weak_order(entry, {.eta = eta}, 0.5, nodes(7), nullptr, {100, 200, 400});
      EXPECT_NEAR(order.last_slope, entry.order, 0.03) << name << " eta " << eta;
    }
    // At lambda = 1/2 two terms of Euler-Maruyama's error nearly cancel, and the next one is seen.
    const auto family =
        exact_weak_order(find_sampler("euler-maruyama"), {.lambda = eta}, 0.5, nodes(7), nullptr, {100, 200, 400});
    EXPECT_NEAR(family.last_slope, 1, 0.15) << "lambda " << eta;
  }
}

TEST(Order, DpmSolverPlusPlus3MSdeIsOfSecondOrderOnly) {
  // Its name says three. The second difference of D is weighted as if it were a second derivative, which is twice as
  // much, so what it should remove from the error of the two-step method only shrinks.
  const auto order =
      exact_weak_order(find_sampler("dpmpp3m-sde"), {.eta = 0}, 0.5, nodes(7), nullptr, {400, 800, 1600});
  EXPECT_NEAR(order.last_slope, 2, 0.02);
}

std::string said_of(const SamplerEntry& entry, const std::string& field, double rho, const MeasuredOrder& order) {
  return fmt::format("{} on {}, rho {}: {:.3f} +- {:.3f}, last error {:.2g}", entry.name, field, rho, order.slope,
                     order.standard_error, order.errors.back());
}

/// Every stochastic sampler with all the noise converges to the same paths, which a sampler of another kind leads to.
void expect_strong_order_one(const std::string& field_name, double rho) {
  const auto field = make_field(field_name);
  const Context context;
  const OrderStudy study({.field = *field, .schedule = nodes(rho), .steps = {64, 128, 256}, .seeds = seeds_up_to(128)},
                         {.sampler = find_sampler("dpmpp-sde"), .options = {}, .steps = 4096}, context);
  for (const SamplerEntry* entry : converging(SamplerKind::kSde)) {
    const MeasuredOrder order = study.strong(*entry, {});
    // With additive noise every consistent scheme has strong order 1. Four standard errors; then the next terms of
    // the expansion: h = log(15)/64 = 0.04 (three times that at the end of nodes equal in sigma), times constants that
    // a data set makes large at sigma_min, where D turns within the distance of two points.
    const double next_terms = rho == 1 ? 0.3 : 0.1;
    const std::string what = said_of(*entry, field_name, rho, order);
    EXPECT_GT(order.slope + 4 * order.standard_error, 1 - next_terms) << what;
    // The higher weak order of some still shows at these steps.
    EXPECT_LT(order.slope - 4 * order.standard_error, entry->order == 1 ? 1 + next_terms : 1.6) << what;
    EXPECT_LT(order.errors.back(), 0.06) << what;
  }
}

TEST(Order, StochasticSamplersHaveStrongOrderOne) {
  expect_strong_order_one("mixture", 7);
}

TEST(Order, StochasticSamplersHaveStrongOrderOneOnEveryFieldAndNodes) {
  if (std::getenv("SCOREFIELD_LONG_TESTS") == nullptr) GTEST_SKIP() << "SCOREFIELD_LONG_TESTS=1 runs it";
  expect_strong_order_one("gaussian", 7);
  expect_strong_order_one("points8", 7);
  expect_strong_order_one("gaussian", 1);
  expect_strong_order_one("mixture", 1);
  expect_strong_order_one("points8", 1);
}

TEST(Order, WeakErrorsOfFirstOrderSamplersAreSeenOnAnyField) {
  // What a path has in common with its reference cancels, so the error bars are those of a difference of order h. Those
  // of second order are below it: the exact measurement on a Gaussian sees them.
  for (const char* name : {"mixture", "points8"}) {
    const auto field = make_field(name);
    const Context context;
    const OrderStudy study({.field = *field, .schedule = nodes(7), .steps = {16, 32, 64}, .seeds = seeds_up_to(256)},
                           {.sampler = find_sampler("dpmpp-sde"), .options = {}, .steps = 1024}, context);
    for (const char* sampler : {"posterior", "ddpm-large", "sde-dpmpp1"}) {
      const MeasuredOrder order = study.weak(find_sampler(sampler), {});
      EXPECT_NEAR(order.slope, 1, 4 * order.standard_error + 0.15) << sampler << " on " << name << ": h = 0.1";
      EXPECT_LT(order.standard_error, 0.15) << sampler << " on " << name;
    }
  }
}

TEST(Order, OdeSamplersConvergeToTheReference) {
  const auto field = make_field("mixture");
  const Context context;
  const OrderStudy study({.field = *field, .schedule = nodes(7), .steps = {64, 128, 256}, .seeds = seeds_up_to(32)},
                         {.sampler = find_sampler("rk4"), .options = {}, .steps = 2048}, context);
  for (const char* name : {"euler", "heun", "dpm2", "ab2", "rk4"}) {
    const SamplerEntry& entry = find_sampler(name);
    const MeasuredOrder order = study.strong(entry, {});
    EXPECT_NEAR(order.last_slope, entry.order, 4 * order.last_standard_error + 0.1) << name;
  }
}

TEST(Order, RefusesWhatMakesNoMeasurement) {
  const auto field = make_field("gaussian");
  const auto study = [&](std::vector<int> steps, std::size_t seeds) {
    const Context context;
    OrderStudy({.field = *field, .schedule = nodes(7), .steps = std::move(steps), .seeds = seeds_up_to(seeds)},
               {.sampler = find_sampler("rk4"), .options = {}, .steps = 16}, context);
  };
  EXPECT_THROW(study({8}, 32), Error);
  EXPECT_THROW(study({8, 8}, 32), Error);
  EXPECT_THROW(study({16, 8}, 32), Error);
  EXPECT_THROW(study({0, 8}, 32), Error);
  EXPECT_THROW(study({8, 16}, 31), Error);
  EXPECT_NO_THROW(study({8, 16}, 32));
}

}  // namespace
}  // namespace scorefield

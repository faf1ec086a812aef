#include "scorefield/experiment/ode_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scorefield/base/random.h"
#include "scorefield/experiment/mixture_field.h"
#include "scorefield/experiment/point_field.h"
#include "scorefield/field/gaussian.h"
#include "tests/points8.h"

namespace scorefield {
namespace {

std::vector<std::uint64_t> seeds_up_to(std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

std::vector<OrderCase> solvers(bool exact_start) {
  std::vector<OrderCase> cases;
  for (const SamplerEntry& entry : samplers()) {
    if (entry.kind == SamplerKind::kOde && entry.evaluations_per_step > 0) cases.push_back({entry, exact_start});
  }
  return cases;
}

struct Expected {
  double order;
  bool exactly;  // a higher one is a failure too
};

void expect_orders(const FlowProblem& problem, const std::vector<OrderCase>& cases,
                   Expected (*expected)(const SamplerEntry& entry), const char* where) {
  const std::vector<OrderMeasurement> measured = measure_orders(problem, cases, {});
  for (std::size_t c = 0; c < cases.size(); ++c) {
    const auto [order, exactly] = expected(cases[c].sampler);
    // The order of a halving is p + c h + O(h^2); the change of the last one bounds c h, and 0.1 is for what both have
    // of higher order. More than 0.4 would not tell one order from the next.
    const double tolerance = 0.1 + 2 * std::min(measured[c].uncertainty, 0.15);
    EXPECT_GT(measured[c].order, order - tolerance) << cases[c].sampler.name << " on " << where;
    if (exactly) {
      EXPECT_LT(measured[c].order, order + tolerance) << cases[c].sampler.name << " on " << where;
      EXPECT_LT(measured[c].uncertainty, 0.6) << cases[c].sampler.name << " on " << where << ": no order to speak of";
    }
  }
}

Expected claimed(const SamplerEntry& entry) {
  return {static_cast<double>(entry.order), true};
}
/// Fixed coefficients are right on equal steps only.
Expected claimed_on_smooth_nodes(const SamplerEntry& entry) {
  if (entry.equal_steps) return {std::min(2.0, static_cast<double>(entry.order)), true};
  return claimed(entry);
}
/// A first step of Euler errs by O(h^2), once. How much of that shows depends on how much the start weighs.
Expected capped_by_the_start(const SamplerEntry& entry) {
  return {std::min(2.0, static_cast<double>(entry.order)), false};
}

TEST(OdeOrder, OfEverySolverOnAGaussian) {
  const Gaussian field({0.7, -0.4, 0.1}, Covariance::diagonal({0.5, 0.1, 1.5}));
  const auto seeds = seeds_up_to(8);
  expect_orders({field, 4, 0.4, Spacing::kUniform, seeds, 40, 4}, solvers(true), claimed, "a Gaussian, uniform nodes");
  expect_orders({field, 10, 0.1, Spacing::kPolynomial, seeds, 40, 4}, solvers(true), claimed_on_smooth_nodes,
                "a Gaussian, rho 7");
  expect_orders({field, 10, 0.1, Spacing::kPolynomial, seeds, 40, 4}, solvers(false), capped_by_the_start,
                "a Gaussian, rho 7, own start");
}

TEST(OdeOrder, OfEverySolverOnAMixture) {
  const GaussianMixture field = mixture_field("mixture:d=8,modes=4,rank=2,noise=0.3", {});
  const auto seeds = seeds_up_to(8);
  expect_orders({field, 4, 0.4, Spacing::kUniform, seeds, 40, 4}, solvers(true), claimed, "a mixture, uniform nodes");
  expect_orders({field, 10, 0.1, Spacing::kPolynomial, seeds, 40, 4}, solvers(true), claimed_on_smooth_nodes,
                "a mixture, rho 7");
  expect_orders({field, 10, 0.1, Spacing::kPolynomial, seeds, 40, 4}, solvers(false), capped_by_the_start,
                "a mixture, rho 7, own start");
}

TEST(OdeOrder, OfEverySolverOnASmallDataSet) {
  const auto field = point_field(test::kPoints8, 2, {});
  const auto seeds = seeds_up_to(8);
  expect_orders({*field, 4, 0.4, Spacing::kUniform, seeds, 40, 4}, solvers(true), claimed, "8 points, uniform nodes");
  expect_orders({*field, 10, 0.3, Spacing::kPolynomial, seeds, 40, 4}, solvers(true), claimed_on_smooth_nodes,
                "8 points, rho 7");
  expect_orders({*field, 10, 0.3, Spacing::kPolynomial, seeds, 40, 4}, solvers(false), capped_by_the_start,
                "8 points, rho 7, own start");
}

TEST(OdeOrder, ErrorsAreThoseOfTheClosedForm) {
  // x(s) - m = sqrt((v + s^2)/(v + s0^2)) (x(s0) - m), and Euler multiplies x - m by 1 + h s/(v + s^2) a step.
  const double m = 0.5;
  const double v = 2;
  const Gaussian field({m}, Covariance::diagonal({v}));
  const std::vector<OrderCase> euler = {{find_sampler("euler"), false}};
  const OrderMeasurement measured = measure_orders({field, 4, 0.4, Spacing::kUniform, {3}, 40, 2}, euler, {})[0];
  ASSERT_EQ(measured.steps, (std::vector<int>{40, 80, 160}));
  double noise = 0;
  RandomStream(3, Purpose::kInitialNoise).normals({&noise, 1});
  for (std::size_t k = 0; k < 3; ++k) {
    const double h = -3.6 / measured.steps[k];
    double factor = 1;
    for (int i = 0; i < measured.steps[k]; ++i) {
      const double sigma = 4 + h * i;
      factor *= 1 + h * sigma / (v + sigma * sigma);
    }
    const double exact = std::sqrt((v + 0.16) / (v + 16));
    // The reference's own error: 16^-4 of a fourth-order one, far below 1e-8 of Euler's.
    EXPECT_NEAR(measured.errors[k] / std::abs((factor - exact) * (4 * noise - m)), 1, 1e-8);
  }
}

}  // namespace
}  // namespace scorefield

#include "scorefield/search/euler_costs.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/search/small_problem_test.h"

namespace scorefield {
namespace {

/// The state of one seed at level i, by a run that ends there.
std::vector<double> state_at(const ScheduleProblem& problem, std::vector<double> levels, const SamplerEntry& teacher,
                             std::size_t i, std::uint64_t seed) {
  levels.resize(i + 1);
  if (i == 0) {
    Rows noise(1, problem.sampling.field.dimension());
    RandomStream(seed, Purpose::kInitialNoise).normals(noise[0]);
    std::vector<double> x(noise[0].begin(), noise[0].end());
    for (double& value : x) value *= levels[0];
    return x;
  }
  const Samples run =
      sample({.field = problem.sampling.field, .sampler = teacher, .levels = levels}, {&seed, 1}, {}, nullptr, {});
  return {run.x[0].begin(), run.x[0].end()};
}

double norm(const std::vector<double>& v) {
  double square = 0;
  for (const double value : v) square += value * value;
  return std::sqrt(square);
}

std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t k = 0; k < a.size(); ++k) a[k] -= b[k];
  return a;
}

/// By Pythagoras, where the library projects.
double deviation(const std::vector<double>& x, const std::vector<double>& first, const std::vector<double>& last) {
  const std::vector<double> chord = minus(last, first);
  const std::vector<double> v = minus(last, x);
  double along = 0;
  for (std::size_t k = 0; k < v.size(); ++k) along += v[k] * chord[k];
  along /= norm(chord);
  return std::sqrt(std::max(0.0, norm(v) * norm(v) - along * along));
}

TEST(EulerCosts, AreThoseOfTheirDefinition) {
  const SamplerEntry& teacher = find_sampler("ipndm4");
  for (const bool end_at_zero : {false, true}) {
    const ScheduleProblem problem = small_problem("euler", end_at_zero);
    const std::vector<double> levels = fixed_levels(problem, "polynomial", 7);
    const std::size_t n = levels.size();
    const std::vector<std::uint64_t> seeds = {3, 8, 1};
    for (const CostMetric metric : {CostMetric::kL1, CostMetric::kL2, CostMetric::kDeviation}) {
      const CostMatrix costs = euler_costs(problem, levels, teacher, metric, seeds, {});
      EXPECT_EQ(costs.levels, levels);
      for (std::size_t i = 0; i + 1 < n; ++i) {
        for (std::size_t j = i + 1; j < n; ++j) {
          double expected = 0;
          for (const std::uint64_t seed : seeds) {
            const auto state = [&](std::size_t at) { return state_at(problem, levels, teacher, at, seed); };
            std::vector<double> x = state(i);
            const Answer answer = problem.sampling.field.ask({x.data(), 1, x.size()}, {&levels[i], 1}, {}, {}, {});
            for (std::size_t k = 0; k < x.size(); ++k) {
              x[k] += (levels[j] - levels[i]) * (x[k] - answer.denoised(0, k)) / levels[i];
            }
            if (metric == CostMetric::kDeviation) {
              expected += deviation(x, state(0), state(n - 1)) - deviation(state(j), state(0), state(n - 1));
            } else {
              const std::vector<double> miss = minus(x, state(j));
              double sum = 0;
              for (const double value : miss) sum += std::abs(value);
              expected += metric == CostMetric::kL1 ? sum : norm(miss);
            }
          }
          // States are below 100, so a difference of squares is right to 1e4 * 2^-52 * a few: 1e-11, its root to 1e-5
          // where the deviation is 0; elsewhere costs carry a few roundings of 100.
          const double tolerance = metric == CostMetric::kDeviation ? 1e-5 : 1e-12;
          EXPECT_NEAR(costs(i, j), expected / 3, tolerance) << i << " to " << j;
        }
      }
    }
  }
}

TEST(EulerCosts, HaveTheSameBitsForEveryBatchAndThreadCount) {
  ScheduleProblem problem = small_problem("euler");
  const std::vector<double> levels = fixed_levels(problem, "polynomial", 20);
  const std::vector<std::uint64_t> seeds = first_seeds(23);
  const CostMatrix all = euler_costs(problem, levels, find_sampler("heun"), CostMetric::kDeviation, seeds, {});
  ThreadPool pool(3);
  for (const std::size_t batch : {1U, 5U, 23U}) {
    problem.batch = batch;
    const CostMatrix parts =
        euler_costs(problem, levels, find_sampler("heun"), CostMetric::kDeviation, seeds, {.pool = &pool});
    EXPECT_EQ(parts.values, all.values) << batch;
  }
}

TEST(EulerCosts, RefuseAStochasticTeacherAndTooMuchMemory) {
  const ScheduleProblem problem = small_problem("euler");
  const std::vector<double> levels = fixed_levels(problem, "polynomial", 20);
  EXPECT_THROW(euler_costs(problem, levels, find_sampler("posterior"), CostMetric::kL2, first_seeds(2), {}), Error);
  EXPECT_THROW(
      euler_costs(problem, levels, find_sampler("euler"), CostMetric::kL2, first_seeds(2), {.memory_limit = 64}),
      Error);
  EXPECT_EQ(find_cost_metric("dev"), CostMetric::kDeviation);
  EXPECT_THROW(find_cost_metric("l3"), Error);
}

}  // namespace
}  // namespace scorefield

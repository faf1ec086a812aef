#include "scorefield/sample/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/empirical.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/linear_step.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// N(mean, variance I): D = mean + variance/(variance + sigma^2) (x - mean). variance = 0 is one datum.
class IsotropicGaussian final : public Field {
 public:
  IsotropicGaussian(std::size_t dimension, double mean, double variance)
      : mean_(dimension, mean), variance_(variance) {}

  std::size_t dimension() const override { return mean_.size(); }
  Capabilities capabilities() const override { return {.draw = true}; }
  std::span<const double> mean() const override { return mean_; }
  double variance() const override { return variance_ * static_cast<double>(mean_.size()); }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& /*context*/) const override {
    check_query(x, sigma, labels, request, 0);
    Answer answer;
    answer.denoised = Rows(x.rows, x.cols);
    for (std::size_t i = 0; i < x.rows; ++i) {
      const double s = sigma[sigma.size() == 1 ? 0 : i];
      const double shrink = std::isinf(s) ? 0 : variance_ / (variance_ + s * s);
      for (std::size_t k = 0; k < x.cols; ++k) answer.denoised(i, k) = mean_[k] + shrink * (x(i, k) - mean_[k]);
    }
    return answer;
  }
  void draw(std::uint64_t seed, int /*label*/, std::span<double> out) const override {
    RandomStream(seed, Purpose::kDataNoise).normals(out);
    for (double& v : out) v = mean_[0] + std::sqrt(variance_) * v;
  }

 private:
  std::vector<double> mean_;
  double variance_;
};

std::vector<std::uint64_t> seeds_up_to(std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

/// Largest error of the end point of the probability-flow ODE, against x(sigma) = m + sqrt((v + s^2)/(v + s0^2)) (x -
/// m).
double ode_error(const SamplerEntry& sampler, const Process& process, int steps) {
  const IsotropicGaussian field(3, 0.7, 0.5);
  const double from = 5;
  const double to = 0.05;
  std::vector<double> levels;
  for (int i = 0; i <= steps; ++i) levels.push_back(std::exp(std::log(from) + i * std::log(to / from) / steps));
  const auto seeds = seeds_up_to(4);
  const Samples samples =
      sample({.field = field, .sampler = sampler, .levels = levels, .process = &process}, seeds, {}, nullptr, {});
  double worst = 0;
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    std::vector<double> noise(3);
    RandomStream(seeds[i], Purpose::kInitialNoise).normals(noise);
    for (std::size_t k = 0; k < 3; ++k) {
      const double exact = 0.7 + std::sqrt((0.5 + to * to) / (0.5 + from * from)) * (from * noise[k] - 0.7);
      worst = std::max(worst, std::abs(samples.x(i, k) - exact));
    }
  }
  return worst;
}

TEST(OdeSamplers, ReachTheirOrderInEveryTime) {
  for (const char* time : {"edm", "ou", "vp"}) {
    const auto process = make_process(time);
    for (const auto& [name, order] : {std::pair{"euler", 1.0}, std::pair{"heun", 2.0}}) {
      const SamplerEntry& sampler = find_sampler(name);
      const double slope = std::log2(ode_error(sampler, *process, 160) / ode_error(sampler, *process, 320));
      // The next term of the error expansion is of relative size h = 5/160 = 0.03 times a constant of order one.
      EXPECT_NEAR(slope, order, 0.1) << name;
    }
  }
}

TEST(Samplers, TakeTheEvaluationsThatTheTableSays) {
  const IsotropicGaussian field(2, 0, 1);
  const auto seeds = seeds_up_to(3);
  const auto edm = noise_levels({});
  for (const SamplerEntry& entry : samplers()) {
    for (const auto& levels : {edm, std::vector<double>{kInf, 3, 0.01}, std::vector<double>{kInf, 0}}) {
      if (entry.evaluations_per_step == 0) continue;  // as many as the field takes
      const Sampling sampling{field, entry, levels};
      const std::size_t expected = evaluations_of(sampling);
      EXPECT_THAT(sample(sampling, seeds, {}, nullptr, {}).evaluations, testing::Each(expected)) << entry.name;
    }
  }
  EXPECT_EQ(evaluations_of({field, find_sampler("heun"), edm}), 35U);
  EXPECT_EQ(evaluations_of({field, find_sampler("euler"), edm}), 18U);
}

TEST(SdeSamplers, PosteriorStepIsExactForOneDatumAtAnyStepSize) {
  const IsotropicGaussian datum(1, 2, 0);
  const auto seeds = seeds_up_to(20000);
  for (const int steps : {1, 2, 7}) {
    std::vector<double> levels;
    for (int i = 0; i <= steps; ++i) levels.push_back(3 * std::pow(0.1, static_cast<double>(i) / steps));
    const Samples samples =
        sample({.field = datum, .sampler = find_sampler("posterior"), .levels = levels, .start = Start::kExact}, seeds,
               {}, nullptr, {});
    double mean = 0;
    double square = 0;
    for (const double x : samples.x.values()) {
      mean += (x - 2) / 0.3;
      square += (x - 2) * (x - 2) / 0.09;
    }
    const double n = 20000;
    EXPECT_NEAR(mean / n, 0, 5 / std::sqrt(n)) << steps;
    EXPECT_NEAR(square / n, 1, 5 * std::sqrt(2 / n)) << steps;
  }
}

std::vector<double> levels_5_to_01(int steps) {
  std::vector<double> levels;
  for (int i = 0; i <= steps; ++i) levels.push_back(5 * std::pow(0.02, static_cast<double>(i) / steps));
  return levels;
}

/// Variance at the last level of N(0, v) sampled from its exact law at the first: D = v/(v + sigma^2) x, so a step is
/// x -> a x + b z, and the variance goes to a^2 variance + b^2. Exact up to rounding.
double sampled_variance(const SamplerEntry& sampler, const Process& process, const std::vector<double>& levels,
                        double v) {
  double variance = v + levels[0] * levels[0];
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double from = process.time_of(levels[i]);
    const double to = process.time_of(levels[i + 1]);
    const LinearStep step = linear_step(sampler, process, from, to);
    const double shrink = v / (v + levels[i] * levels[i]);
    const double a = (step.state * process.at(from).scale + step.denoised * shrink) / process.at(to).scale;
    const double b = step.noise / process.at(to).scale;
    variance = a * a * variance + b * b;
  }
  return variance;
}

TEST(SdeSamplers, HaveWeakOrderOneInEveryTime) {
  constexpr double kVariance = 0.5;
  const double exact = kVariance + 0.01;
  for (const auto name : {"posterior", "euler-maruyama"}) {
    for (const char* time : {"edm", "ou", "vp"}) {
      const auto process = make_process(time);
      std::vector<double> errors;
      for (const int steps : {400, 800, 1600}) {
        const auto levels = levels_5_to_01(steps);
        errors.push_back(sampled_variance(find_sampler(name), *process, levels, kVariance) / exact - 1);
      }
      // The order of a halving is 1 + c h + O(h^2): its change at the next halving, c h/2, is what is left of it, and
      // the extrapolation leaves O(h^2), h = log(50)/800 = 0.005.
      const double before = std::log2(errors[0] / errors[1]);
      const double last = std::log2(errors[1] / errors[2]);
      EXPECT_NEAR(2 * last - before, 1, std::abs(last - before)) << name << " in " << time;
      EXPECT_NEAR(last, 1, 0.05) << name << " in " << time << ": a constant c up to 20";
    }
  }
}

TEST(SdeSamplers, PosteriorStepsErrorHasItsLeadingConstant) {
  // From level t to r the variance v + t^2 becomes v + r^2 - v (t^2 - r^2)^2 / (t^2 (v + t^2)): a step of h in log
  // sigma loses 4 v t^2 h^2 / (v + t^2), and what is lost at t arrives at the end s times ((v + s^2)/(v + t^2))^2.
  // Summed from S = 5 to s = 0.1, relative to v + s^2: -h v (v + s^2) (1/(v + s^2)^2 - 1/(v + S^2)^2).
  constexpr double kVariance = 0.5;
  const double end = kVariance + 0.01;
  const double start = kVariance + 25;
  const double constant = -kVariance * end * (1 / (end * end) - 1 / (start * start));
  const auto edm = make_edm();
  const auto error_by_step = [&](int steps) {
    const double variance = sampled_variance(find_sampler("posterior"), *edm, levels_5_to_01(steps), kVariance);
    return (variance / end - 1) / (std::log(50.0) / steps);
  };
  const double coarse = error_by_step(400);
  const double fine = error_by_step(800);
  // The difference is what is left in the finer value, but for its square.
  EXPECT_NEAR(fine, constant, 1.1 * std::abs(fine - coarse));
  EXPECT_NEAR(fine, constant, 0.02 * std::abs(constant)) << "h = 0.005, times a constant up to 4";
}

TEST(SdeSamplers, ConvergeToTheMarginalLaw) {
  const IsotropicGaussian field(1, -1, 0.5);
  const auto seeds = seeds_up_to(5000);
  const auto levels = levels_5_to_01(100);
  for (const auto name : {"posterior", "euler-maruyama"}) {
    const SamplerEntry& sampler = find_sampler(name);
    for (const char* time : {"edm", "ou", "vp"}) {
      const auto process = make_process(time);
      const Samples samples = sample(
          {.field = field, .sampler = sampler, .levels = levels, .process = process.get(), .start = Start::kExact},
          seeds, {}, nullptr, {});
      double square = 0;
      for (const double x : samples.x.values()) square += (x + 1) * (x + 1);
      // Five standard errors of a Gaussian's variance: the bias is in the expected value.
      EXPECT_NEAR(square / 5000 / sampled_variance(sampler, *process, levels, 0.5), 1, 5 * std::sqrt(2.0 / 5000))
          << name << " in " << time;
    }
  }
}

TEST(Sample, ASampleDependsOnItsSeedAlone) {
  const IsotropicGaussian field(3, 0.3, 1);
  const auto levels = noise_levels({});
  ThreadPool pool(2);
  const Context threads{.pool = &pool};
  for (const SamplerEntry& entry : samplers()) {
    const Sampling sampling{field, entry, levels};
    const std::vector<std::uint64_t> many = {4, 17, 9};
    const std::vector<std::uint64_t> one = {17};
    const Samples batch = sample(sampling, many, {}, nullptr, threads);
    const Samples alone = sample(sampling, one, {}, nullptr, {});
    for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(batch.x(1, k), alone.x(0, k)) << entry.name;
  }
}

TEST(Sample, StartsFromInfinityWithTheMeanPlusNoise) {
  const IsotropicGaussian field(2, 5, 0);
  const std::vector<std::uint64_t> seeds = {3};
  std::vector<double> noise(2);
  RandomStream(3, Purpose::kInitialNoise).normals(noise);
  for (const SamplerEntry& entry : samplers()) {
    const Samples samples = sample({field, entry, {kInf, 4.0}}, seeds, {}, nullptr, {});
    for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(samples.x(0, k), 5 + 4 * noise[k]) << entry.name;
  }
}

TEST(Sample, BoundsTheCostOfItsStart) {
  // N(1, 4 I) in 3 dimensions: E|x|^2 = 15. KL(N(1, 4 + s^2) || N(0, s^2)) stays below the bound.
  const IsotropicGaussian field(3, 1, 4);
  const double s2 = 100;
  const double divergence = 1.5 * ((4 + s2 + 1) / s2 - 1 - std::log((4 + s2) / s2));
  EXPECT_DOUBLE_EQ(start_mismatch(second_moment(field), 10), 15.0 / 200);
  EXPECT_LT(divergence, start_mismatch(second_moment(field), 10));
  EXPECT_DOUBLE_EQ(start_mismatch(15, fitting_sigma_max(15, 0.5)), 0.5);
  EXPECT_EQ(start_mismatch(15, kInf), 0);
  // The start of the variance-preserving process is N(0, 1 + s^2) in this frame.
  const auto process = make_vp();
  const Marginal law = process->at(process->time_of(10));
  const double there = 1.5 * ((4 + s2 + 1) / (1 + s2) - 1 - std::log((4 + s2) / (1 + s2)));
  const double bound = start_mismatch(second_moment(field), 3, law);
  // E|x|^2 over twice the variance of the start, and d/2 (q - 1 - log q) with q = s^2/(1 + s^2): the divergence of one
  // datum's noise from the start. log q carries the rounding of q, 1e-16 of 1, against 1e-4.
  EXPECT_NEAR(bound, 15.0 / (2 * (1 + s2)) + 1.5 * (s2 / (1 + s2) - 1 + std::log1p(1 / s2)), 1e-14);
  EXPECT_LT(there, bound);
  EXPECT_EQ(start_mismatch(15, 3, ve_frame(kInf)), 0);
}

TEST(Sample, RefusesLevelsThatDoNotDescendAndUnknownNames) {
  const IsotropicGaussian field(1, 0, 1);
  const std::vector<std::uint64_t> seeds = {0};
  const auto run = [&](std::vector<double> levels) {
    return sample({field, find_sampler("euler"), std::move(levels)}, seeds, {}, nullptr, {});
  };
  EXPECT_THROW(run({1}), Error);
  EXPECT_THROW(run({1, 1}), Error);
  EXPECT_THROW(run({1, 0, 0}), Error);
  EXPECT_THROW(run({1, -1}), Error);
  EXPECT_THROW(run({1, std::nan("")}), Error);
  try {
    find_sampler("huen");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("heun"), std::string::npos) << error.what();
  }
}

TEST(SecondMoment, OfAClassIsThatOfItsRows) {
  const Dataset data = make_dataset<double>("points", {0, 3, 1, 0, 4, 0, 0, 1}, {2}, {}, {0, 1, 0, 1});
  const Empirical field(data, {}, {});
  EXPECT_NEAR(*second_moment(field, -1, {}), (9 + 1 + 16 + 1) / 4.0, 1e-14);
  EXPECT_NEAR(*second_moment(field, 0, {}), (9 + 16) / 2.0, 1e-14);
  EXPECT_NEAR(*second_moment(field, 1, {}), 1, 1e-14);
}

}  // namespace
}  // namespace scorefield

// What stochastic samplers are in closed form, and where two of them are the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/field/gaussian.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/ancestral.h"
#include "scorefield/sample/linear_step.h"
#include "scorefield/sample/sample.h"

namespace scorefield {
namespace {

LinearStep step_of(const char* name, const Process& process, double sigma_from, double sigma_to,
                   const SamplerOptions& options = {}) {
  return linear_step(find_sampler(name), process, process.time_of(sigma_from), process.time_of(sigma_to), options);
}

/// A handful of roundings of factors of order one.
constexpr double kRounding = 1e-13;

void expect_same(const LinearStep& a, const LinearStep& b, const std::string& what) {
  EXPECT_NEAR(a.state, b.state, kRounding) << what;
  EXPECT_NEAR(a.denoised, b.denoised, kRounding) << what;
  EXPECT_NEAR(a.noise, b.noise, kRounding) << what;
}

TEST(PredictorCorrector, RefusesPredictorsThatKeepStatesOfTheirOwn) {
  for (const char* predictor : {"rk45", "unipc2", "langevin"}) {
    SamplerOptions options;
    options.predictor = predictor;
    EXPECT_THROW(find_sampler("predictor-corrector").make(options), Error) << predictor;
  }
}

TEST(SdeSteps, WithAllTheNoiseTheFirstOrderOnesAreThePosteriorStep) {
  for (const char* time : {"edm", "ou", "vp"}) {
    const auto process = make_process(time);
    for (const auto& [from, to] : {std::pair{2.0, 1.9}, std::pair{5.0, 0.05}}) {
      const LinearStep posterior = step_of("posterior", *process, from, to);
      expect_same(step_of("euler-ancestral", *process, from, to), posterior, "euler-ancestral");
      expect_same(step_of("sde-dpmpp1", *process, from, to), posterior, "sde-dpmpp1");
      expect_same(step_of("dpmpp3m-sde", *process, from, to), posterior, "a first step of dpmpp3m-sde");
      expect_same(step_of("ddpm-large", *process, from, to, {.variance = 0}), posterior, "ddpm-large");
    }
  }
}

TEST(SdeSteps, WithoutNoiseTheyAreDdim) {
  const auto edm = make_edm();
  const LinearStep ddim = step_of("euler", *edm, 3, 0.7);
  expect_same(step_of("euler-ancestral", *edm, 3, 0.7, {.eta = 0}), ddim, "euler-ancestral");
  expect_same(step_of("sde-dpmpp1", *edm, 3, 0.7, {.eta = 0}), ddim, "sde-dpmpp1");
}

TEST(SdeSteps, EulerAncestralIsDdimWithAlphaBar) {
  // Song et al. 2021, eq. 12 and 16, written in alpha-bar.
  const auto vp = make_vp();
  for (const double eta : {0.0, 0.3, 1.0}) {
    const LinearStep step = step_of("ddim-eta", *vp, 3, 0.7, {.eta = eta});
    const double before = 1 / (1 + 9.0);
    const double after = 1 / (1 + 0.49);
    const double sigma = eta * std::sqrt((1 - after) / (1 - before)) * std::sqrt(1 - before / after);
    const double direction = std::sqrt(1 - after - sigma * sigma) / std::sqrt(1 - before);
    EXPECT_NEAR(step.state, direction, kRounding);
    EXPECT_NEAR(step.denoised, std::sqrt(after) - std::sqrt(before) * direction, kRounding);
    EXPECT_NEAR(step.noise, sigma, kRounding);
  }
}

TEST(SdeSteps, DdpmsVariancesAreThoseOfThePaper) {
  // Ho et al. 2020, section 3.2: beta, or beta times (1 - alpha-bar_r)/(1 - alpha-bar_t), in the process's state.
  const auto vp = make_vp();
  const double beta = 1 - (1 + 0.49) / (1 + 9.0);
  const double small = beta * (0.49 / 1.49) / (9.0 / 10);
  EXPECT_NEAR(step_of("posterior", *vp, 3, 0.7).noise, std::sqrt(small), kRounding);
  EXPECT_NEAR(step_of("ddpm-large", *vp, 3, 0.7).noise, std::sqrt(beta), kRounding);
  const double between = std::exp(0.3 * std::log(beta) + 0.7 * std::log(small));
  EXPECT_NEAR(step_of("ddpm-large", *vp, 3, 0.7, {.variance = 0.3}).noise, std::sqrt(between), kRounding);
  // In the VE frame the forward transition adds sigma_t^2 - sigma_r^2.
  EXPECT_NEAR(step_of("ddpm-large", *make_edm(), 3, 0.7).noise, std::sqrt(9 - 0.49), kRounding);
}

TEST(SdeSteps, ReverseDiffusionIsThatOfSong) {
  // Song et al. 2021, algorithms 2 and 3. The score is (s D - u)/b^2.
  const LinearStep ve = step_of("reverse-diffusion", *make_edm(), 3, 0.7);
  EXPECT_NEAR(ve.state, 1 - (9 - 0.49) / 9, kRounding);
  EXPECT_NEAR(ve.denoised, (9 - 0.49) / 9, kRounding);
  EXPECT_NEAR(ve.noise, std::sqrt(9 - 0.49), kRounding);
  const double beta = 1 - (1 + 0.49) / (1 + 9.0);
  const LinearStep vp = step_of("reverse-diffusion", *make_vp(), 3, 0.7);
  EXPECT_NEAR(vp.state, 2 - std::sqrt(1 - beta) - beta / 0.9, kRounding);
  EXPECT_NEAR(vp.denoised, beta * std::sqrt(0.1) / 0.9, kRounding);
  EXPECT_NEAR(vp.noise, std::sqrt(beta), kRounding);
}

TEST(SdeSteps, TheFamilyRunsFromEulerToEulerMaruyama) {
  for (const char* time : {"edm", "ou", "vp"}) {
    const auto process = make_process(time);
    expect_same(step_of("euler-maruyama", *process, 3, 2.5, {.lambda = 0}), step_of("euler", *process, 3, 2.5), time);
    // In OU time (Cao et al. 2025): u + dt (u + (1 + l^2) score) + l sqrt(2 dt) z, score = (s D - u)/b^2.
    if (time != std::string("ou")) continue;
    for (const double l : {0.0, 0.5, 1.0}) {
      const double dt = process->time_of(3) - process->time_of(2.5);
      const Marginal law = process->at(process->time_of(3));
      const LinearStep step = step_of("reverse-sde", *process, 3, 2.5, {.lambda = l});
      const double score = dt * (1 + l * l) / (law.noise * law.noise);
      EXPECT_NEAR(step.state, 1 + dt - score, kRounding);
      EXPECT_NEAR(step.denoised, score * law.scale, kRounding);
      EXPECT_NEAR(step.noise, l * std::sqrt(2 * dt), kRounding);
    }
    expect_same(step_of("euler-maruyama", *process, 3, 2.5, {.lambda = 1}), step_of("euler-maruyama", *process, 3, 2.5),
                time);
  }
}

TEST(SdeSteps, AnAncestralSplitKeepsTheVariance) {
  for (const double eta : {0.0, 0.4, 1.0, 1.5}) {
    for (const auto& [from, to] : {std::pair{1.0, 1 - 1e-9}, std::pair{3.0, 1.0}, std::pair{80.0, 0.002}}) {
      const AncestralSplit split = split_ancestral(from, to, eta);
      EXPECT_NEAR((split.down * split.down + split.up * split.up) / (to * to), 1, 1e-15) << eta;
    }
  }
  const AncestralSplit all = split_ancestral(3, 1, 1);
  EXPECT_DOUBLE_EQ(all.down, 1.0 / 3);
  EXPECT_DOUBLE_EQ(split_ancestral(3, 1, 0).down, 1);
  EXPECT_EQ(split_ancestral(3, 1, 2).down, 0) << "the noise is all that is left";
}

/// The end of a run on N(0, v) in one dimension with given noise.
double end_of(const Sampling& sampling, double start, const std::vector<double>& noise) {
  std::vector<Rows> draws;
  for (const double z : noise) {
    draws.emplace_back(1, 1);
    draws.back()(0, 0) = z;
  }
  const auto recorded = recorded_noise(draws);
  Sampling with_noise = sampling;
  with_noise.step_noise = recorded.get();
  Rows x(1, 1);
  x(0, 0) = start;
  return sample_from(with_noise, {&x, 1}, std::vector<std::uint64_t>{0}, {}, nullptr, {}).x(0, 0);
}

TEST(Churn, IsThatOfEdm) {
  // Karras et al. 2022, algorithm 2, by hand on N(0, 1/2): from sigma up to (1 + gamma) sigma where sigma is in range,
  // then Heun down.
  const Gaussian field({0.0}, Covariance::isotropic(1, 0.5));
  const Churn churn{.amount = 3, .sigma_min = 0.3, .sigma_max = 8, .noise = 1.2};
  const std::vector<double> levels = {10, 6, 3, 1, 0.2, 0};
  const std::vector<double> noise = {0.4, -1.3, 0.9};
  const auto slope = [](double x, double sigma) { return (x - 0.5 / (0.5 + sigma * sigma) * x) / sigma; };
  const double gamma = std::sqrt(2.0) - 1;  // 3/5 is more
  double x = 7;
  std::size_t drawn = 0;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    double sigma = levels[i];
    if (sigma >= 0.3 && sigma <= 8) {
      const double raised = sigma * (1 + gamma);
      x += std::sqrt(raised * raised - sigma * sigma) * 1.2 * noise[drawn++];
      sigma = raised;
    }
    const double first = slope(x, sigma);
    const double euler = x + (levels[i + 1] - sigma) * first;
    if (levels[i + 1] == 0) {
      x = euler;
    } else {
      x += (levels[i + 1] - sigma) * (first + slope(euler, levels[i + 1])) / 2;
    }
  }
  EXPECT_EQ(drawn, noise.size());
  EXPECT_NEAR(end_of({.field = field, .sampler = find_sampler("heun"), .levels = levels, .churn = churn}, 7, noise), x,
              kRounding);
}

TEST(Langevin, StepsByTheScoreAtEveryLevel) {
  const Gaussian field({0.0}, Covariance::isotropic(1, 0.5));
  const Sampling sampling{.field = field,
                          .sampler = find_sampler("langevin"),
                          .levels = {2, 1, 0},
                          .options = {.langevin_steps = 2, .langevin_step = 0.4}};
  // x + a/2 score + sqrt(a) z, a = 0.4 sigma^2, score = -x / (v + sigma^2); the last step is D.
  double x = 3;
  for (const auto& [sigma, z] : {std::pair{2.0, 0.3}, std::pair{2.0, -0.8}, std::pair{1.0, 1.1}}) {
    const double a = 0.4 * sigma * sigma;
    x += -a / 2 * x / (0.5 + sigma * sigma) + std::sqrt(a) * z;
  }
  EXPECT_NEAR(end_of(sampling, 3, {0.3, -0.8, 1.1}), x * 0.5 / 1.5, kRounding);
}

TEST(Langevin, AtOneLevelHasTheVarianceOfItsOwn) {
  // x -> (1 - a/(2 V)) x + sqrt(a) z keeps the variance a/(1 - (1 - a/(2V))^2) = V/(1 - a/(4V)), V = v + sigma^2.
  const Gaussian field({0.0}, Covariance::isotropic(1, 0.5));
  std::vector<std::uint64_t> seeds(4000);
  std::iota(seeds.begin(), seeds.end(), 0);
  const Samples samples = sample({.field = field,
                                  .sampler = find_sampler("langevin"),
                                  .levels = {1, 1 - 1e-12},
                                  .options = {.langevin_steps = 40, .langevin_step = 0.5}},
                                 seeds, {}, nullptr, {});
  double square = 0;
  for (const double x : samples.x.values()) square += x * x / 4000;
  const double expected = 1.5 / (1 - 0.5 / 6);
  // The start is forgotten to (1 - 1/6)^80; then five standard errors.
  EXPECT_NEAR(square / expected, 1, 5 * std::sqrt(2.0 / 4000));
}

TEST(PredictorCorrector, WithoutCorrectionsIsItsPredictor) {
  const Gaussian field({0.3, -1.0}, Covariance::isotropic(2, 0.5));
  const std::vector<std::uint64_t> seeds = {1, 2};
  for (const char* predictor : {"reverse-diffusion", "heun", "dpmpp3m-sde", "ab3"}) {
    const auto run = [&](const char* name, const SamplerOptions& options) {
      return sample({.field = field, .sampler = find_sampler(name), .levels = noise_levels({}), .options = options},
                    seeds, {}, nullptr, {});
    };
    const Samples both = run("predictor-corrector", {.predictor = predictor, .corrector_steps = 0});
    const Samples alone = run(predictor, {});
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(both.x.values()[k], alone.x.values()[k]) << predictor;
    // One more evaluation a correction, and none in the last step to 0.
    const Samples corrected = run("predictor-corrector", {.predictor = predictor, .corrector_steps = 2});
    EXPECT_THAT(corrected.evaluations, testing::Each(alone.evaluations[0] + 2 * 17)) << predictor;
  }
}

TEST(PredictorCorrector, CorrectsByTheSignalToNoiseRatio) {
  const Gaussian field({0.0}, Covariance::isotropic(1, 0.5));
  const Sampling sampling{.field = field,
                          .sampler = find_sampler("predictor-corrector"),
                          .levels = {2, 1},
                          .options = {.predictor = "euler", .corrector_steps = 1, .snr = 0.2}};
  const double x = 3 / 2.0 + 0.5 / 4.5 * 3 / 2;
  const double score = -x / 1.5;
  const double step = 2 * std::pow(0.2 * 0.7 / score, 2);
  EXPECT_NEAR(end_of(sampling, 3, {-0.7}), x + step * score + std::sqrt(2 * step) * -0.7, kRounding);
  // Where the score vanishes the step is sigma^2, with which x forgets where it was.
  EXPECT_NEAR(end_of(sampling, 0, {-0.7}), -0.7 * std::sqrt(2.0), kRounding);
}

TEST(PredictorCorrector, CorrectsToTheLangevinStepsOwnVariance) {
  // With V = v + sigma^2 and S the samples' variance, |z|^2 is nearly d and |score|^2 nearly d S/V^2, so the step is e
  // V with e = 2 snr^2 V/S. x + e V score + sqrt(2 e V) z keeps S = (1 - e)^2 S + 2 e V where S = V + snr^2 V.
  constexpr std::size_t kDimension = 784;
  const Gaussian field(std::vector<double>(kDimension), Covariance::isotropic(kDimension, 0.5));
  std::vector<std::uint64_t> seeds(200);
  std::iota(seeds.begin(), seeds.end(), 0);
  const Samples samples = sample({.field = field,
                                  .sampler = find_sampler("predictor-corrector"),
                                  .levels = {3, 1},
                                  .options = {.corrector_steps = 30, .snr = 0.4}},
                                 seeds, {}, nullptr, {});
  double square = 0;
  for (const double x : samples.x.values()) square += x * x / static_cast<double>(samples.x.values().size());
  // The predictor's variance is forgotten to (1 - 0.27)^60. Five standard errors; then the spread of the two norms, 2/d
  // each, which enters the noise by E|z|^4 and the step by E 1/|score|^2.
  const double values = 200.0 * kDimension;
  EXPECT_NEAR(square / 1.5 / 1.16, 1, 5 * std::sqrt(2 / values) + 2 * 2.0 / kDimension);
}

TEST(SdeOptions, OutOfRangeAreRefused) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  std::vector<SamplerOptions> bad_noise;
  for (const double bad : {-0.1, kNan, kInf}) {
    bad_noise.push_back({.eta = bad});
    bad_noise.push_back({.s_noise = bad});
  }
  const std::vector<SamplerOptions> bad_r = {{.r = 0.0}, {.r = 1.1}, {.r = kNan}};
  std::vector<std::pair<const char*, std::vector<SamplerOptions>>> cases;
  for (const char* name : {"euler-ancestral", "dpm2-ancestral", "dpmpp2s-ancestral", "sde-dpmpp1", "dpmpp2m-sde",
                           "dpmpp2m-sde-heun", "dpmpp3m-sde", "dpmpp-sde"}) {
    cases.emplace_back(name, bad_noise);
  }
  for (const char* name : {"dpm2-ancestral", "dpmpp2s-ancestral", "dpmpp-sde"}) cases.emplace_back(name, bad_r);
  cases.push_back({"euler-maruyama", {{.lambda = -0.1}, {.lambda = 1.1}, {.lambda = kNan}}});
  cases.push_back({"ddpm-large", {{.variance = -0.1}, {.variance = 1.1}, {.variance = kNan}}});
  cases.push_back({"langevin", {{.langevin_steps = 0}, {.langevin_step = -1}, {.langevin_step = 3}}});
  cases.push_back({"predictor-corrector",
                   {{.predictor = "nothing"},
                    {.predictor = "langevin"},
                    {.predictor = "predictor-corrector"},
                    {.corrector_steps = -1},
                    {.snr = 0},
                    {.snr = kNan}}});
  for (const auto& [name, options] : cases) {
    for (const SamplerOptions& one : options) EXPECT_THROW(find_sampler(name).make(one), Error) << name;
  }
}

}  // namespace
}  // namespace scorefield

// Stochastic samplers against other systems, fed with the noise that those drew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "scorefield/field/mixture.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"
#include "tests/oracle.h"
#include "tests/points8.h"
#include "tests/sde_states.h"

namespace scorefield {
namespace {

using test::Oracle;
using test::OracleArray;

GaussianMixture points8() {
  std::vector<GaussianComponent> points;
  for (std::size_t i = 0; i < 8; ++i) {
    points.push_back({.weight = 1,
                      .mean = {test::kPoints8[2 * i], test::kPoints8[2 * i + 1]},
                      .covariance = Covariance::isotropic(2, 0)});
  }
  return GaussianMixture(std::move(points));
}

Rows rows_of(const std::vector<double>& values) {
  Rows rows(values.size() / 2, 2);
  std::ranges::copy(values, rows.values().begin());
  return rows;
}

std::vector<Rows> draws_of(const OracleArray& noise) {
  std::vector<Rows> draws;
  for (std::size_t i = 0; i < noise.shape[0]; ++i) draws.push_back(rows_of(noise[i]));
  return draws;
}

/// Keeps the states at every level.
class States final : public Observer {
 public:
  const Request& request() const override { return request_; }
  void observe(const Observation& o) override {
    x.emplace_back(o.x.rows, o.x.cols);
    for (std::size_t i = 0; i < o.x.rows; ++i) std::ranges::copy(o.x[i], x.back()[i].begin());
  }
  std::vector<Rows> x;

 private:
  Request request_;
};

/// All states of a run, the given and the last ones included, [levels] of [B, d] in the VE frame.
std::vector<Rows> run(const Sampling& sampling, const std::vector<Rows>& given) {
  States states;
  const std::vector<std::uint64_t> seeds(given[0].rows(), 0);
  Samples samples = sample_from(sampling, given, seeds, {}, &states, {});
  states.x.push_back(std::move(samples.x));
  return std::move(states.x);
}

/// The largest error, in units of the value where it is above 1.
double difference(const Rows& x, const std::vector<double>& expected, double scale = 1) {
  double worst = 0;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    worst = std::max(worst, std::abs(scale * x.values()[k] - expected[k]) / std::max(1.0, std::abs(expected[k])));
  }
  return worst;
}

struct KDiffusionRun {
  const char* key;
  const char* sampler;
  double eta;
  double tolerance;
};

// All of it is rounding. It grows on its way: a state near the border between two points' basins moves D by
// |D_1 - D_2|^2 / (4 sigma^2) times its own error. A combination of x and D costs some 1e-15; what eps divides by sigma
// (dpm2) costs 80/0.002 times more where the step is long.
constexpr KDiffusionRun kKDiffusionRuns[] = {
    {"euler_ancestral", "euler-ancestral", 1, 1e-12},
    {"euler_ancestral_eta0.5", "ddim-eta", 0.5, 1e-12},
    {"dpm_2_ancestral", "dpm2-ancestral", 1, 1e-10},
    {"dpmpp_2s_ancestral", "dpmpp2s-ancestral", 1, 1e-12},
    {"dpmpp_sde", "dpmpp-sde", 1, 1e-12},
    {"dpmpp_2m_sde", "dpmpp2m-sde", 1, 1e-12},
    {"dpmpp_2m_sde_eta0", "dpmpp2m-sde", 0, 1e-12},
    {"dpmpp_2m_sde_heun", "dpmpp2m-sde-heun", 1, 1e-12},
    {"dpmpp_3m_sde", "dpmpp3m-sde", 1, 1e-12},
    {"dpmpp_3m_sde_eta0", "dpmpp3m-sde", 0, 1e-12},
};

TEST(SdeStates, AreThoseOfKDiffusion) {
  const GaussianMixture field = points8();
  Rows start(2, 2);
  std::vector<Rows> noise;
  for (const auto& draw : test::kSdeDraws) {
    noise.emplace_back(2, 2);
    std::ranges::copy(draw, noise.back().values().begin());
  }
  for (std::size_t k = 0; k < 4; ++k) start.values()[k] = 80 * test::kSdeStart[k];
  for (const test::SdeState& expected : test::kSdeStates) {
    const auto recorded = recorded_noise(noise);
    const auto states = run({.field = field,
                             .sampler = find_sampler(expected.sampler),
                             .levels = noise_levels({.steps = 5, .end_at_zero = false}),
                             .options = {.eta = expected.eta},
                             .step_noise = recorded.get()},
                            {start});
    EXPECT_LE(difference(states.back(), {expected.x.begin(), expected.x.end()}), 1e-10) << expected.sampler;
  }
}

TEST(SdeOracle, KDiffusion) {
  const Oracle* oracle = Oracle::find();
  if (!oracle) GTEST_SKIP() << Oracle::kAbsent;
  const GaussianMixture field = points8();
  std::vector<Rows> noise = draws_of(oracle->at("k_diffusion/pts8/noise"));
  const std::size_t known_draws = noise.size();
  for (const KDiffusionRun& one : kKDiffusionRuns) {
    const SamplerEntry& sampler = find_sampler(one.sampler);
    const std::size_t draws_a_step = sampler.name == "dpmpp-sde" ? 2 : 1;
    noise.resize(known_draws);
    noise.resize(40, Rows(6, 2));
    for (const std::string schedule : {"karras7", "exponential", "vp"}) {
      for (const char* steps : {"n5", "n10", "n20"}) {
        const std::string place = "k_diffusion/pts8/" + schedule + "/" + steps + "/";
        const OracleArray expected = oracle->at(place + one.key);
        const auto recorded = recorded_noise(noise);
        const auto states = run({.field = field,
                                 .sampler = sampler,
                                 .levels = oracle->at(place + "sigmas").values,
                                 .options = {.eta = one.eta},
                                 .step_noise = recorded.get()},
                                {rows_of(expected[0])});
        ASSERT_EQ(states.size(), expected.shape[0]);
        // What was drawn after the thirty recorded draws is not known.
        const std::size_t known = std::min(states.size(), known_draws / draws_a_step + 1);
        for (std::size_t i = 0; i < known; ++i) {
          EXPECT_LE(difference(states[i], expected[i]), one.tolerance) << place << one.key << " step " << i;
        }
      }
    }
  }
}

TEST(SdeOracle, ThirdOrderWithoutNoiseIsNotDpmSolverPlusPlus3M) {
  const Oracle* oracle = Oracle::find();
  if (!oracle) GTEST_SKIP() << Oracle::kAbsent;
  const GaussianMixture field = points8();
  const OracleArray other = oracle->at("diff_sampler/pts8/logsnr1/N11/dpmpp_o3_x0_nolof");
  const auto given = draws_of(other);
  const auto levels = noise_levels({.name = "logsnr", .steps = 11, .end_at_zero = false});
  const Sampling sampling{
      .field = field, .sampler = find_sampler("dpmpp3m-sde"), .levels = levels, .options = {.eta = 0}};
  // Each step from the other's states. Only the second step, which knows two evaluations, is another: it integrates the
  // line through them exactly where DPM-Solver++ has the midpoint rule.
  for (std::size_t i = 1; i < other.shape[0]; ++i) {
    const auto states = run(sampling, {given.begin(), given.begin() + static_cast<std::ptrdiff_t>(i)});
    if (i == 2) {
      EXPECT_GT(difference(states[i], other[i]), 1e-6);
    } else {
      EXPECT_LE(difference(states[i], other[i]), 1e-13) << "step " << i << ": rounding";
    }
  }
}

TEST(SdeOracle, Churn) {
  const Oracle* oracle = Oracle::find();
  if (!oracle) GTEST_SKIP() << Oracle::kAbsent;
  const GaussianMixture field = points8();
  const std::vector<Rows> draws = draws_of(oracle->at("edm/pts8/noise"));
  Rows start = rows_of(oracle->at("cases/pts8/z").values);
  for (double& v : start.values()) v *= 80;
  // EDM's settings for ImageNet, as its documentation gives them.
  const Churn churn{.amount = 40, .sigma_min = 0.05, .sigma_max = 50, .noise = 1.003};
  for (const int n : {5, 10, 18}) {
    const auto levels = noise_levels({.steps = n});
    // EDM draws at every step, and leaves the draw alone where there is no churn.
    std::vector<Rows> used;
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
      if (levels[i] >= churn.sigma_min && levels[i] <= churn.sigma_max) used.push_back(draws[i]);
    }
    const auto recorded = recorded_noise(used);
    const auto states = run({.field = field,
                             .sampler = find_sampler("heun"),
                             .levels = levels,
                             .churn = churn,
                             .step_noise = recorded.get()},
                            {start});
    // The runs end on data points, so this sees which of them was reached, and the rounding of the last step.
    EXPECT_LE(difference(states.back(), oracle->at("edm/pts8/edm_churn_n" + std::to_string(n)).values), 1e-15) << n;
  }
}

/// alpha-bar to the bit as diffusers has it: 1000 betas in float, laid out in blocks of eight from the nearer end as
/// torch.linspace does, and products that are summed up in double and kept in float.
std::vector<double> float_alpha_bars() {
  const float step = (0.02F - 1e-4F) / 999;
  std::vector<double> alpha_bars;
  double product = 1;
  for (int i = 0; i < 1000; ++i) {
    const int block = i / 8 * 8;
    const float to_block = step * static_cast<float>(block < 500 ? block : 999 - block);
    const float first = block < 500 ? 1e-4F + to_block : 0.02F - to_block;
    const float inside = step * static_cast<float>(i - block);
    const float beta = first + inside;
    product *= static_cast<double>(1.0F - beta);
    alpha_bars.push_back(static_cast<double>(static_cast<float>(product)));
  }
  return alpha_bars;
}

TEST(SdeOracle, Ddpm) {
  const Oracle* oracle = Oracle::find();
  if (!oracle) GTEST_SKIP() << Oracle::kAbsent;
  const GaussianMixture field = points8();
  const auto process = make_vp();  // for its scale, the same function of sigma in every variance-preserving process
  const std::vector<double> alpha_bars = float_alpha_bars();
  for (const auto& [key, name] : {std::pair{"ddpm_small", "ddpm-small"}, std::pair{"ddpm_large", "ddpm-large"}}) {
    for (const char* steps : {"n10", "n20"}) {
      const std::string place = std::string("diffusers/pts8/") + key + "/" + steps;
      std::vector<double> levels;
      std::vector<double> scales;
      for (const double t : oracle->at(place + "/timesteps").values) {
        const double alpha_bar = alpha_bars[static_cast<std::size_t>(t)];
        levels.push_back(std::sqrt((1 - alpha_bar) / alpha_bar));
        scales.push_back(std::sqrt(alpha_bar));
      }
      levels.push_back(0);
      scales.push_back(1);
      const std::vector<Rows> noise = draws_of(oracle->at(place + "/noise"));
      const OracleArray expected = oracle->at(place);
      Rows start = rows_of(expected[0]);
      for (double& v : start.values()) v /= scales[0];
      const auto recorded = recorded_noise(noise);
      const auto states = run({.field = field,
                               .sampler = find_sampler(name),
                               .levels = levels,
                               .process = process.get(),
                               .step_noise = recorded.get()},
                              {start});
      ASSERT_EQ(states.size(), expected.shape[0]);
      for (std::size_t i = 0; i < states.size(); ++i) {
        // Rounding of x, D and two scales.
        EXPECT_LE(difference(states[i], expected[i], scales[i]), 2e-14) << place << " step " << i;
      }
    }
  }
}

}  // namespace
}  // namespace scorefield

// Langevin dynamics does not see the weights of separated modes; annealed, it does.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "scorefield/base/random.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/field/mixture.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"

namespace scorefield {
namespace {

constexpr double kWeight = 0.8;  // of the mode at (5, 5); the other is at (-5, -5)
constexpr std::size_t kChains = 4000;
constexpr double kDataSigma = 0.5;  // the noise level of plain Langevin: the modes have the variance 1 + 0.25
constexpr double kTopSigma = 20;

/// Song and Ermon 2019, figure 3: two unit Gaussians in the plane.
GaussianMixture two_modes() {
  std::vector<GaussianComponent> components(2);
  components[0] = {.weight = kWeight, .mean = {5, 5}, .covariance = Covariance::isotropic(2, 1)};
  components[1] = {.weight = 1 - kWeight, .mean = {-5, -5}, .covariance = Covariance::isotropic(2, 1)};
  return GaussianMixture(std::move(components));
}

/// Uniform in [-8, 8]^2.
Rows broad_start() {
  Rows x(kChains, 2);
  for (std::size_t i = 0; i < kChains; ++i) {
    const RandomStream stream(i, Purpose::kProbe);
    for (std::size_t k = 0; k < 2; ++k) x(i, k) = 16 * stream.uniform(k) - 8;
  }
  return x;
}

/// The share of chains on the heavy mode's side of the middle.
double heavy_share(const Rows& x) {
  double heavy = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) heavy += x(i, 0) + x(i, 1) > 0 ? 1 : 0;
  return heavy / static_cast<double>(x.rows());
}

double langevin_share(const Field& field, const std::vector<double>& levels, const Rows& start, int steps,
                      const Context& context) {
  std::vector<std::uint64_t> seeds(kChains);
  std::iota(seeds.begin(), seeds.end(), 0);
  const Sampling sampling{.field = field,
                          .sampler = find_sampler("langevin"),
                          .levels = levels,
                          .options = {.langevin_steps = steps, .langevin_step = 0.2}};
  return heavy_share(sample_from(sampling, {&start, 1}, seeds, {}, nullptr, context).x);
}

Findings measure(const Context& context) {
  const GaussianMixture field = two_modes();
  const Rows start = broad_start();
  const double error = std::sqrt(kWeight * (1 - kWeight) / kChains);
  Findings findings;
  Table table{"Share of 4000 chains at the mode of weight 0.8", {"Langevin steps a level", "plain", "annealed"}, {}};
  double plain = 0;
  double annealed = 0;
  for (const int steps : {10, 30, 100}) {
    // As many steps in all for both.
    const std::vector<double> levels =
        noise_levels({.name = "logsnr", .steps = 10, .sigma_min = kDataSigma, .sigma_max = kTopSigma});
    const int all = steps * static_cast<int>(levels.size() - 1);
    plain = langevin_share(field, {kDataSigma, 0}, start, all, context);
    annealed = langevin_share(field, levels, start, steps, context);
    table.rows.push_back({static_cast<double>(steps), plain, annealed});
    context.report("langevin-weights", steps, 100);
  }
  findings.tables.push_back(std::move(table));
  const double basins = std::sqrt(0.25 / kChains);
  findings.checks = {
      {"plain Langevin at sigma = 0.5, 1000 steps: share at the heavy mode", plain, basins, heavy_share(start),
       4 * basins,
       "the share of starts on its side (the saddle lies log(4) 1.25/14 = 0.12 off the middle, which moves 1.1 % of "
       "them): four standard errors, 0.032"},
      {"1 if plain Langevin is further than 0.2 from the weight", std::abs(plain - kWeight) > 0.2 ? 1.0 : 0.0, 0, 1, 0,
       "it keeps to the basin in which it starts"},
      {"annealed Langevin from sigma = 20, 10 levels of 100 steps", annealed, error, kWeight, 4 * error,
       "the weight of the mode: three standard errors of 4000 chains, and one for the discretisation"},
  };
  return findings;
}

}  // namespace

Claim langevin_weights_claim() {
  return {
      "langevin-weights",
      "Langevin dynamics at the data's noise level does not recover the relative weights of separated modes in any "
      "reasonable time; annealed over noise levels it does.",
      "Song and Ermon 2019 (arXiv 1907.05600), section 3.2.2 and figure 3; Luo 2022 (arXiv 2208.11970), score-based "
      "generative models",
      "Two unit Gaussians at (5, 5) and (-5, -5) with weights 0.8 and 0.2; 4000 chains from uniform starts in "
      "[-8, 8]^2, as many steps plain at sigma = 0.5 as annealed from 20 to 0.5.",
      measure};
}

}  // namespace scorefield

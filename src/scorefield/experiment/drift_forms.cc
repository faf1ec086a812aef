// The two forms of the reverse drift, by the score and by the posterior mean, are one.
#include <algorithm>
#include <cmath>

#include "scorefield/base/random.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/field/mixture.h"
#include "scorefield/process/parametrisation.h"

namespace scorefield {
namespace {

constexpr std::size_t kDimension = 3;
constexpr std::size_t kStates = 200;

/// Components of every kind: full, low-rank, and a point.
GaussianMixture mixture() {
  const std::vector<double> full = {0.5, 0.2, 0.0, 0.2, 0.4, -0.1, 0.0, -0.1, 0.3};
  const std::vector<double> factor = {0.6, -0.3, 0.2};
  std::vector<GaussianComponent> components(3);
  components[0] = {.weight = 2, .mean = {1, 0, -1}, .covariance = Covariance::full({full.data(), 3, 3})};
  components[1] = {.weight = 1, .mean = {-1, 0.5, 0}, .covariance = Covariance::low_rank({factor.data(), 1, 3}, 0.01)};
  components[2] = {.weight = 1, .mean = {0, 1, 1}, .covariance = Covariance::isotropic(3, 0)};
  return GaussianMixture(std::move(components));
}

/// Draws of the forward process in the VE frame, x = x_0 + sigma n.
Rows forward_draws(const Field& field, double sigma) {
  Rows x(kStates, kDimension);
  std::vector<double> noise(kDimension);
  for (std::size_t i = 0; i < kStates; ++i) {
    field.draw(i, -1, x[i]);
    RandomStream(i, Purpose::kProbe).normals(noise);
    for (std::size_t k = 0; k < kDimension; ++k) x(i, k) += sigma * noise[k];
  }
  return x;
}

/// grad log p of x_t = s x: the five-point difference of the field's log-density, divided by s.
Rows difference_score(const Field& field, const Rows& x, const Marginal& at, const Context& context) {
  const double h = 2e-4 * at.sigma;
  const auto log_density = [&](std::size_t k, double shift) {
    Rows moved = x;
    for (std::size_t i = 0; i < x.rows(); ++i) moved(i, k) += shift;
    return field.ask(moved.view(), std::span(&at.sigma, 1), {}, {.denoised = false, .log_density = true}, context)
        .log_density;
  };
  Rows score(x.rows(), x.cols());
  for (std::size_t k = 0; k < x.cols(); ++k) {
    const auto a = log_density(k, -2 * h);
    const auto b = log_density(k, -h);
    const auto c = log_density(k, h);
    const auto d = log_density(k, 2 * h);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      score(i, k) = (a[i] - 8 * b[i] + 8 * c[i] - d[i]) / (12 * h) / at.scale;
    }
  }
  return score;
}

Findings measure(const Context& context) {
  const GaussianMixture field = mixture();
  const auto ou = make_ou();
  Findings findings;
  Table table{"200 draws of x_t at each remaining time t",
              {"t", "largest relative difference of the drifts", "largest difference of the scores times noise level"},
              {}};
  double worst_drift = 0;
  double worst_score = 0;
  for (const double t : {0.02, 0.1, 0.5, 1.0, 3.0}) {
    const Marginal at = ou->at(t);
    const Rows x = forward_draws(field, at.sigma);
    const Rows denoised = field.ask(x.view(), std::span(&at.sigma, 1), {}, {}, context).denoised;
    const Rows differences = difference_score(field, x, at, context);
    const Conversion to_score(Prediction::kDenoised, Prediction::kScore, at);
    double drift = 0;
    double score = 0;
    for (std::size_t i = 0; i < x.values().size(); ++i) {
      const double u = at.scale * x.values()[i];
      const double mean = denoised.values()[i];
      const double s = to_score(u, mean);
      const double score_form = u + 2 * s;
      const double mean_form = -u / std::tanh(t) + mean / std::sinh(t);
      const double terms = std::abs(u) / std::tanh(t) + std::abs(mean) / std::sinh(t);
      drift = std::max(drift, std::abs(score_form - mean_form) / terms);
      score = std::max(score, std::abs(s - differences.values()[i]) * at.noise);
    }
    table.rows.push_back({t, drift, score});
    worst_drift = std::max(worst_drift, drift);
    worst_score = std::max(worst_score, score);
  }
  findings.tables.push_back(std::move(table));
  findings.checks = {
      {"largest difference of the two drifts, relative to their terms", worst_drift, 0, 0, 1e-14,
       "equal in exact arithmetic; a handful of roundings of the terms"},
      {"largest difference, score and gradient of log p, times the noise level", worst_score, 0, 0, 1e-8,
       "five-point differences with h = 2e-4 sigma: rounding 1e-16 |log p| sigma/h with |log p| up to 100 gives 1e-10, "
       "truncation h^4/30 times a fifth derivative of up to (R/sigma)^5 = 2e5 a few 1e-11"},
  };
  return findings;
}

}  // namespace

Claim drift_forms_claim() {
  return {"drift-forms",
          "The reverse generator has two equivalent forms: by the score, x + 2 grad log p_t(x), and by the mean field "
          "<X_0> = E[X_0 | X_t = x], -coth(t) x + <X_0>/sinh(t).",
          "Cao, Johnston, Laurent, Le, Motsch 2025 (arXiv 2501.17054), the two forms of the reverse equation",
          "Both drifts from the exact field of a Gaussian mixture at draws of x_t; and the score against finite "
          "differences of the log-density, which does not go through the posterior mean.",
          measure};
}

}  // namespace scorefield

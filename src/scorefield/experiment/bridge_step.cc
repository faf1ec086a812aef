// The exact reverse step between two times, given x_0, is DDPM's posterior.
#include <algorithm>
#include <cmath>

#include "scorefield/experiment/claims.h"
#include "scorefield/sample/linear_step.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {
namespace {

double largest_difference(const LinearStep& a, const LinearStep& b) {
  return std::max({std::abs(a.state - b.state), std::abs(a.denoised - b.denoised), std::abs(a.noise - b.noise)});
}

/// The Ornstein-Uhlenbeck bridge from remaining time t to r < t, pinned at x_0 (docs/theory/reverse-process.md, 3).
LinearStep bridge(double t, double r) {
  return {std::sinh(r) / std::sinh(t), std::sinh(t - r) / std::sinh(t),
          std::sqrt(2 * std::sinh(r) * std::sinh(t - r) / std::sinh(t))};
}

/// q(x_r | x_t, x_0) of Ho et al. 2020, eq. 7. `noise_t` = 1 - alpha_bar_t and so on; alpha = alpha_bar_t/alpha_bar_r.
LinearStep ddpm_posterior(double alpha, double noise_alpha, double alpha_bar_r, double noise_r, double noise_t) {
  return {std::sqrt(alpha) * noise_r / noise_t, std::sqrt(alpha_bar_r) * noise_alpha / noise_t,
          std::sqrt(noise_alpha * noise_r / noise_t)};
}

LinearStep ddpm_posterior_at(double t, double r) {
  return ddpm_posterior(std::exp(-2 * (t - r)), -std::expm1(-2 * (t - r)), std::exp(-2 * r), -std::expm1(-2 * r),
                        -std::expm1(-2 * t));
}

/// The sampler against DDPM's own 1000 betas, every ancestral step but the one to the data.
double worst_over_ddpm_steps() {
  const auto process = make_ddpm();
  long double alpha_bar = 1;
  double worst = 0;
  for (int k = 0; k < 1000; ++k) {
    const long double beta = 1e-4L + (0.02L - 1e-4L) * k / 999;
    const long double before = alpha_bar;
    alpha_bar *= 1 - beta;
    if (k == 0) continue;
    const LinearStep posterior =
        ddpm_posterior(static_cast<double>(1 - beta), static_cast<double>(beta), static_cast<double>(before),
                       static_cast<double>(1 - before), static_cast<double>(1 - alpha_bar));
    worst = std::max(worst, largest_difference(posterior, linear_step(find_sampler("posterior"), *process, k, k - 1)));
  }
  return worst;
}

Findings measure(const Context& /*context*/) {
  Findings findings;
  Table table{"Step from t to r: u_r = a u_t + b x_0 + c z, Ornstein-Uhlenbeck time",
              {"t", "r", "a", "b", "c", "|bridge - DDPM|", "|bridge - sampler|"},
              {}};
  const auto ou = make_ou();
  double against_ddpm = 0;
  double against_sampler = 0;
  for (const double t : {0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0}) {
    for (const double share : {0.01, 0.1, 0.5, 0.9}) {
      const double r = share * t;
      const LinearStep step = bridge(t, r);
      const double ddpm = largest_difference(step, ddpm_posterior_at(t, r));
      const double sampler = largest_difference(step, linear_step(find_sampler("posterior"), *ou, t, r));
      table.rows.push_back({t, r, step.state, step.denoised, step.noise, ddpm, sampler});
      against_ddpm = std::max(against_ddpm, ddpm);
      against_sampler = std::max(against_sampler, sampler);
    }
  }
  findings.tables.push_back(std::move(table));
  const std::string reason =
      "equal in exact arithmetic; each coefficient is at most 1 and the end of about ten roundings (1e-15), of which "
      "1 - r/t = 0.1 makes ten times as much";
  findings.checks = {
      {"largest difference, bridge and DDPM posterior", against_ddpm, 0, 0, 1e-14, reason},
      {"largest difference, bridge and this library's posterior step", against_sampler, 0, 0, 1e-14, reason},
      {"largest difference, DDPM posterior and posterior step, DDPM's 1000 betas", worst_over_ddpm_steps(), 0, 0, 1e-14,
       "equal in exact arithmetic; the absolute rounding stays as above, since small coefficients lose digits only "
       "relatively"},
  };
  return findings;
}

}  // namespace

Claim bridge_step_claim() {
  return {
      "bridge-step",
      "Started from a point and pinned at a datum, the reverse process is an Ornstein-Uhlenbeck bridge, and its step "
      "between two times is the DDPM posterior q(x_r | x_t, x_0).",
      "Cao, Johnston, Laurent, Le, Motsch 2025 (arXiv 2501.17054), explicit solution for a Dirac initial condition; "
      "Ho et al. 2020, eq. 7",
      "The three coefficients of the step by the bridge's hyperbolic form, by DDPM's products, and by letting the "
      "library's posterior sampler step unit vectors; largest absolute difference over a grid of times.",
      measure};
}

}  // namespace scorefield

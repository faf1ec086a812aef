// One maker a family of samplers, for the table in sampler.cc. Each throws Error for options out of range.
#pragma once

#include "scorefield/sample/sampler.h"

namespace scorefield {

// runge_kutta.cc
/// Euler's method in the process's time; in sigma it is DDIM (Song et al. 2021, eq. 12 with eta = 0).
std::unique_ptr<Sampler> make_euler(const SamplerOptions& options);
/// Two stages, the second at the share r of the step (1: Heun, 1/2: midpoint; Karras et al. 2022, algorithm 1 and eq.
/// 93); Euler in a last step to 0.
std::unique_ptr<Sampler> make_heun(const SamplerOptions& options);
/// The classical method of order 4; Euler in a last step to 0.
std::unique_ptr<Sampler> make_rk4(const SamplerOptions& options);

// dpm_solver_2.cc
/// Two stages in sigma, the second at sigma_from^(1-r) sigma_to^r (Lu et al. 2022, algorithm 4, as k-diffusion and
/// diff-sampler have it); Euler in a last step to 0.
std::unique_ptr<Sampler> make_dpm_solver_2(const SamplerOptions& options);

// adams_bashforth.cc
/// Adams-Bashforth on the nodes as they lie in the process's time; in sigma it is DEIS rho-AB (Zhang and Chen 2023) and
/// k-diffusion's LMS. order: 1 to 4, lower in the first steps.
std::unique_ptr<Sampler> make_adams_bashforth(int order, const SamplerOptions& options);
/// The same with the coefficients of equal steps, whatever the nodes (iPNDM; Liu et al. 2022, eq. 12; Zhang and Chen
/// 2023).
std::unique_ptr<Sampler> make_ipndm(int order, const SamplerOptions& options);
/// DEIS t-AB: eps as a polynomial in the process's time, int eps dsigma exactly (Zhang and Chen 2023, eq. 14 and 15).
/// Where the process's time is sigma itself, in that of the variance-preserving process through the ends of the run.
std::unique_ptr<Sampler> make_deis(int order, const SamplerOptions& options);

// reverse_sde.cc
/// Euler-Maruyama of the reverse SDE in the process's time; a last step to sigma = 0 returns D (no noise is left to
/// add).
std::unique_ptr<Sampler> make_euler_maruyama(const SamplerOptions& options);

// posterior_step.cc
/// The exact posterior q(x_r | x_t, x_0 = D): the bridge step with the mean frozen at D, which is DDPM's ancestral step
/// with the small variance (Ho et al. 2020, eq. 7). In the VE frame
///   x_r = D + (r/t)^2 (x - D) + r sqrt(1 - (r/t)^2) z.
/// Exact for a single datum at any step size.
std::unique_ptr<Sampler> make_posterior(const SamplerOptions& options);

}  // namespace scorefield

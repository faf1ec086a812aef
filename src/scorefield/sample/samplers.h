// One maker a family of samplers, for the table in sampler.cc. Each throws Error for options out of range.
#pragma once

#include "scorefield/sample/exponential_step.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {

// runge_kutta.cc
/// Euler's method in the process's time; in sigma it is DDIM.
std::unique_ptr<Sampler> make_euler(const SamplerOptions& options);
/// Two stages, the second at the share r of the step (1: Heun, 1/2: midpoint; Karras et al. 2022, algorithm 1 and eq.
/// 93); Euler in a last step to 0.
std::unique_ptr<Sampler> make_heun(const SamplerOptions& options);
/// The classical method of order 4; Euler in a last step to 0.
std::unique_ptr<Sampler> make_rk4(const SamplerOptions& options);

// dpm_singlestep.cc
/// DPM-Solver-2 and -3 (Lu et al. 2022a, algorithms 4 and 5) and DPM-Solver++ 2S (Lu et al. 2022b, algorithm 1) and 3S
/// (their code): intermediate evaluations at the shares r (order 2: 1/2) or r and r2 (order 3: 1/3, 2/3) of the step in
/// log sigma. lower_order_final: the last two steps of order 2 and 1, as DPM-Solver-fast has them for a multiple of
/// three evaluations. D in a last step to 0.
std::unique_ptr<Sampler> make_dpm_singlestep(Prediction prediction, int order, const SamplerOptions& options);

// dpm_multistep.cc
/// DPM-Solver++ 2M (Lu et al. 2022b, algorithm 2) and 3M (their code), and the same formulas with the noise prediction
/// (their code); order 1 to 3, lower in the first steps. Order 1 is DDIM (Song et al. 2021, eq. 12 with eta = 0) for
/// both predictions and every process. D in a last step to 0.
std::unique_ptr<Sampler> make_dpm_multistep(Prediction prediction, int order, const SamplerOptions& options);
/// DEIS with eps as a polynomial in log sigma (Zhang and Chen 2023, eq. 14, over that variable; "logrho" in diffusers).
std::unique_ptr<Sampler> make_deis_in_log_sigma(int order, const SamplerOptions& options);

// unipc.cc
/// B(h) = h or exp(h) - 1 (Zhao et al. 2023, eq. 3).
enum class UniPcVariant { kBh1, kBh2 };
/// UniPC (Zhao et al. 2023, algorithms 1 and 2) with a predictor and a corrector of the same order, 1 to 3, lower in
/// the first steps; one evaluation a step. D in a last step to 0.
std::unique_ptr<Sampler> make_unipc(Prediction prediction, UniPcVariant variant, int order,
                                    const SamplerOptions& options);

// pndm.cc
/// How PNDM comes by its first four evaluations of eps.
enum class PndmStart {
  kRungeKutta,  // three steps of the classical method (Liu et al. 2022, algorithm 2; its middle is in process time)
  kHeun,        // one step of Heun's, then rising orders (PLMS, as latent diffusion has it)
};
/// Pseudo linear multistep: eps with the coefficients of equal steps (Liu et al. 2022, eq. 12).
std::unique_ptr<Sampler> make_pndm(PndmStart start);

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

// rk45.cc
/// Dormand-Prince 5(4) in log sigma with a step of its own for every sample (Dormand and Prince 1980); error of a step
/// by the options rtol and atol. It ends a step at every level. D in a last step to 0. Throws Error from a step where
/// the field is too rough for the tolerance.
std::unique_ptr<Sampler> make_rk45(const SamplerOptions& options);

// posterior_step.cc
/// The exact posterior q(x_r | x_t, x_0 = D): the bridge step with the mean frozen at D, which is DDPM's ancestral step
/// with the small variance (Ho et al. 2020, eq. 7). In the VE frame
///   x_r = D + (r/t)^2 (x - D) + r sqrt(1 - (r/t)^2) z.
/// Exact for a single datum at any step size.
std::unique_ptr<Sampler> make_posterior(const SamplerOptions& options);

}  // namespace scorefield

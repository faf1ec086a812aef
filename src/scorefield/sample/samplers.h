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
/// Euler-Maruyama of the reverse SDE in the process's time, and of the family with the same marginals that keeps the
/// share lambda of its noise (options.lambda): for the Ornstein-Uhlenbeck process drift x + (1 + lambda^2) grad log p
/// and noise lambda sqrt(2) dB (Cao et al. 2025, "Generative diffusion models from a PDE perspective"; Zhang and Chen
/// 2023, eq. 6). lambda = 0 is Euler's method of the probability-flow ODE. A last step to sigma = 0 returns D (no noise
/// is left to add) where lambda > 0.
std::unique_ptr<Sampler> make_euler_maruyama(const SamplerOptions& options);
/// The reverse diffusion sampler of Song et al. 2021 (appendix E; algorithms 2 and 3 without correctors) in any
/// process: the forward transition's own drift and variance, reversed. A last step to sigma = 0 returns D.
std::unique_ptr<Sampler> make_reverse_diffusion(const SamplerOptions& options);

// rk45.cc
/// Dormand-Prince 5(4) in log sigma with a step of its own for every sample (Dormand and Prince 1980); error of a step
/// by the options rtol and atol. Steps do not end at the levels: dense output of order 4 gives the states there. D in a
/// last step to 0. Throws Error from a step where the field is too rough for the tolerance.
std::unique_ptr<Sampler> make_rk45(const SamplerOptions& options);

// posterior_step.cc
/// The exact posterior q(x_r | x_t, x_0 = D): the bridge step with the mean frozen at D, which is DDPM's ancestral step
/// with the small variance (Ho et al. 2020, eq. 7). In the VE frame
///   x_r = D + (r/t)^2 (x - D) + r sqrt(1 - (r/t)^2) z.
/// Exact for a single datum at any step size.
std::unique_ptr<Sampler> make_posterior(const SamplerOptions& options);
/// The same mean with the variance of the forward transition q(u_t | u_r), s_t^2 (t^2 - r^2) in the process's state:
/// DDPM's beta (Ho et al. 2020, section 3.2). options.variance: log variances are interpolated from the small (0) to
/// this one (1), as learned ones are (Nichol and Dhariwal 2021, eq. 15).
std::unique_ptr<Sampler> make_ddpm_large(const SamplerOptions& options);

// ancestral.cc: eta is DDIM's (split_ancestral()), s_noise a factor on the noise
/// An Euler step to below the next level and noise back (k-diffusion's euler_ancestral). In every process this is
/// DDIM(eta) (Song et al. 2021, "Denoising diffusion implicit models", eq. 12 and 16): alpha-bar cancels in the VE
/// frame. eta = 1 is the posterior step, 0 is DDIM.
std::unique_ptr<Sampler> make_euler_ancestral(const SamplerOptions& options);
/// The same with a step of DPM-Solver-2 (k-diffusion's dpm_2_ancestral with r = 1/2).
std::unique_ptr<Sampler> make_dpm2_ancestral(const SamplerOptions& options);
/// The same with a two-stage step of DPM-Solver++ (Lu et al. 2022, "DPM-Solver++", algorithm 1; k-diffusion's
/// dpmpp_2s_ancestral with r = 1/2).
std::unique_ptr<Sampler> make_dpmpp_2s_ancestral(const SamplerOptions& options);

// sde_dpm_solver.cc: SDE-DPM-Solver++ (Lu et al. 2022, "DPM-Solver++"). In the multistep ones eta multiplies the
// noise's variance, not its size: lambda^2 in the family of reverse SDEs. A last step to sigma = 0 returns D.
/// First order; eta = 1 is the posterior step, 0 is DDIM.
std::unique_ptr<Sampler> make_sde_dpmpp_1(const SamplerOptions& options);
/// Multistep through two evaluations, second order (k-diffusion's dpmpp_2m_sde with solver_type midpoint and heun).
std::unique_ptr<Sampler> make_dpmpp_2m_sde(const SamplerOptions& options);
std::unique_ptr<Sampler> make_dpmpp_2m_sde_heun(const SamplerOptions& options);
/// Multistep through three evaluations (k-diffusion's dpmpp_3m_sde; with eta = 0 DPM-Solver++(3M) but for the second
/// step). Of order 2 in spite of its name: it gives the divided difference of D the weight of a second derivative.
std::unique_ptr<Sampler> make_dpmpp_3m_sde(const SamplerOptions& options);
/// Two stages, the second at sigma_from^(1-r) sigma_to^r; both add noise, over stretches of the Brownian path that
/// begin at sigma_from (k-diffusion's dpmpp_sde). eta is DDIM's.
std::unique_ptr<Sampler> make_dpmpp_sde(const SamplerOptions& options);

// langevin.cc
/// options.predictor, then options.corrector_steps Langevin steps at the level that it reached (Song et al. 2021,
/// algorithms 1, 4 and 5) of size 2 (snr |z| / |score|)^2, each sample by its own norms (their code takes the batch's
/// mean), without the factor alpha_i (1 but for rounding) of algorithm 5, and at most sigma^2, with which one step
/// forgets where it was: in few dimensions |z| / |score| has heavy tails. No corrector in a last step to 0, nor behind
/// the shared first step from infinity.
std::unique_ptr<Sampler> make_predictor_corrector(const SamplerOptions& options);
/// Annealed Langevin (Song and Ermon 2019, algorithm 1): options.langevin_steps steps x + a/2 score + sqrt(a) z at
/// every level, a = options.langevin_step sigma^2; a last step to sigma = 0 returns D in the place of its last Langevin
/// step. A run of one level and a last one is plain Langevin.
std::unique_ptr<Sampler> make_langevin(const SamplerOptions& options);

}  // namespace scorefield

#include "scorefield/sample/sampler.h"

#include <algorithm>
#include <string>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

using enum SamplerKind;

std::vector<SamplerEntry> table() {
  return {
      {.name = "euler",
       .aliases = {"ddim", "ab1", "ipndm1"},
       .summary = "first order (DDIM)",
       .in_time = true,
       .make = make_euler},
      {.name = "heun",
       .aliases = {"edm"},
       .summary = "second order (EDM, algorithm 1)",
       .order = 2,
       .evaluations_per_step = 2,
       .in_time = true,
       .options = {"r"},
       .make = make_heun},
      {.name = "rk4",
       .summary = "classical Runge-Kutta",
       .order = 4,
       .evaluations_per_step = 4,
       .in_time = true,
       .make = make_rk4},
      {.name = "dpm2",
       .aliases = {"dpm_2"},
       .summary = "DPM-Solver-2: midpoint in log sigma",
       .order = 2,
       .evaluations_per_step = 2,
       .options = {"r"},
       .make = make_dpm_solver_2},
      {.name = "ab2",
       .aliases = {"deis-rhoab1", "lms2"},
       .summary = "Adams-Bashforth on the nodes as they lie",
       .order = 2,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_adams_bashforth(2, options); }},
      {.name = "ab3",
       .aliases = {"deis-rhoab2", "lms3"},
       .summary = "Adams-Bashforth on the nodes as they lie",
       .order = 3,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_adams_bashforth(3, options); }},
      {.name = "ab4",
       .aliases = {"deis-rhoab3", "lms"},
       .summary = "Adams-Bashforth on the nodes as they lie",
       .order = 4,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_adams_bashforth(4, options); }},
      {.name = "ipndm2",
       .summary = "Adams-Bashforth with the coefficients of equal steps",
       .order = 2,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_ipndm(2, options); }},
      {.name = "ipndm3",
       .summary = "Adams-Bashforth with the coefficients of equal steps",
       .order = 3,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_ipndm(3, options); }},
      {.name = "ipndm4",
       .aliases = {"ipndm"},
       .summary = "Adams-Bashforth with the coefficients of equal steps",
       .order = 4,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_ipndm(4, options); }},
      {.name = "deis1",
       .aliases = {"deis-tab1"},
       .summary = "DEIS t-AB: noise prediction as a polynomial in VP time",
       .order = 2,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_deis(2, options); }},
      {.name = "deis2",
       .aliases = {"deis-tab2"},
       .summary = "DEIS t-AB: noise prediction as a polynomial in VP time",
       .order = 3,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_deis(3, options); }},
      {.name = "deis3",
       .aliases = {"deis-tab3"},
       .summary = "DEIS t-AB: noise prediction as a polynomial in VP time",
       .order = 4,
       .in_time = true,
       .options = {"lower-order-final"},
       .make = [](const SamplerOptions& options) { return make_deis(4, options); }},
      {.name = "posterior",
       .aliases = {"ddpm", "ancestral", "ddpm-small"},
       .summary = "exact posterior step (DDPM ancestral, small variance)",
       .kind = kSde,
       .make = make_posterior},
      {.name = "ddpm-large",
       .summary = "the posterior's mean with the forward transition's variance (DDPM, large or interpolated)",
       .kind = kSde,
       .in_time = true,
       .options = {"variance"},
       .make = make_ddpm_large},
      {.name = "euler-maruyama",
       .aliases = {"em", "reverse-sde"},
       .summary = "reverse SDE with the share lambda of its noise, Euler-Maruyama",
       .kind = kSde,
       .in_time = true,
       .options = {"lambda"},
       .make = make_euler_maruyama},
      {.name = "reverse-diffusion",
       .summary = "reverse SDE, the forward transition reversed (Song et al. 2021)",
       .kind = kSde,
       .in_time = true,
       .make = make_reverse_diffusion},
      {.name = "euler-ancestral",
       .aliases = {"euler_ancestral", "euler-a", "ddim-eta"},
       .summary = "DDIM with noise: Euler to below the next level, and noise back",
       .kind = kSde,
       .options = {"eta", "s-noise"},
       .make = make_euler_ancestral},
      {.name = "dpm2-ancestral",
       .aliases = {"dpm_2_ancestral"},
       .summary = "DPM-Solver-2 to below the next level, and noise back",
       .kind = kSde,
       .evaluations_per_step = 2,
       .options = {"r", "eta", "s-noise"},
       .make = make_dpm2_ancestral},
      {.name = "dpmpp2s-ancestral",
       .aliases = {"dpmpp_2s_ancestral"},
       .summary = "two-stage DPM-Solver++ to below the next level, and noise back",
       .kind = kSde,
       .evaluations_per_step = 2,
       .options = {"r", "eta", "s-noise"},
       .make = make_dpmpp_2s_ancestral},
      {.name = "sde-dpmpp1",
       .summary = "SDE-DPM-Solver++, first order",
       .kind = kSde,
       .options = {"eta", "s-noise"},
       .make = make_sde_dpmpp_1},
      {.name = "dpmpp-sde",
       .aliases = {"dpmpp_sde"},
       .summary = "SDE-DPM-Solver++, two stages",
       .kind = kSde,
       .evaluations_per_step = 2,
       .options = {"r", "eta", "s-noise"},
       .make = make_dpmpp_sde},
      {.name = "dpmpp2m-sde",
       .aliases = {"dpmpp_2m_sde"},
       .summary = "SDE-DPM-Solver++, two-step (midpoint)",
       .kind = kSde,
       .options = {"eta", "s-noise"},
       .make = make_dpmpp_2m_sde},
      {.name = "dpmpp2m-sde-heun",
       .aliases = {"dpmpp_2m_sde_heun"},
       .summary = "SDE-DPM-Solver++, two-step (heun)",
       .kind = kSde,
       .options = {"eta", "s-noise"},
       .make = make_dpmpp_2m_sde_heun},
      {.name = "dpmpp3m-sde",
       .aliases = {"dpmpp_3m_sde"},
       .summary = "SDE-DPM-Solver++, three-step",
       .kind = kSde,
       .options = {"eta", "s-noise"},
       .make = make_dpmpp_3m_sde},
      {.name = "predictor-corrector",
       .aliases = {"pc"},
       .summary = "a predictor, then Langevin steps at its level (Song et al. 2021)",
       .kind = kSde,
       .order = 0,
       .evaluations_per_step = 2,
       .in_time = true,
       .options = {"predictor", "corrector-steps", "snr"},
       .make = make_predictor_corrector},
      {.name = "langevin",
       .aliases = {"annealed-langevin"},
       .summary = "annealed Langevin dynamics; plain at a single level",
       .kind = kSde,
       .order = 0,
       .evaluations_per_step = 100,
       .options = {"langevin-steps", "langevin-step"},
       .make = make_langevin},
  };
}

}  // namespace

Evaluation Step::evaluate(const TimePoint& at, const Combination& states) const {
  Evaluation found{.at = at, .x = Rows(next.rows, next.cols), .denoised = {}};
  states.into(found.x.view(), pool);
  found.denoised = ask(found.x.view(), std::span(&at.sigma, 1), {});
  return found;
}

std::span<const SamplerEntry> samplers() {
  static const std::vector<SamplerEntry> entries = table();
  return entries;
}

const SamplerEntry& find_sampler(std::string_view name) {
  std::vector<std::string> known;
  for (const SamplerEntry& entry : samplers()) {
    if (entry.name == name || std::ranges::find(entry.aliases, name) != entry.aliases.end()) return entry;
    known.emplace_back(entry.name);
    known.insert(known.end(), entry.aliases.begin(), entry.aliases.end());
  }
  throw Error(unknown_name("solver", name, known));
}

}  // namespace scorefield

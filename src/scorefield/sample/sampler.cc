#include "scorefield/sample/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/sample/ode_samplers.h"
#include "scorefield/sample/sde_samplers.h"

namespace scorefield {

std::span<const SamplerEntry> samplers() {
  static const std::vector<SamplerEntry> table = {
      {"euler", {"ddim"}, "probability-flow ODE, first order (DDIM)", false, 1, euler_sampler()},
      {"heun", {"edm"}, "probability-flow ODE, second order (EDM, algorithm 1)", false, 2, heun_sampler()},
      {"posterior",
       {"ddpm", "ancestral"},
       "exact posterior step (DDPM ancestral, small variance)",
       true,
       1,
       posterior_sampler()},
      {"euler-maruyama", {"em"}, "reverse SDE, Euler-Maruyama", true, 1, euler_maruyama_sampler()},
  };
  return table;
}

std::size_t evaluations_of(const SamplerEntry& entry, std::span<const double> levels) {
  std::size_t evaluations = 0;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const bool single = std::isinf(levels[i]) || levels[i + 1] == 0;
    evaluations += single ? 1 : static_cast<std::size_t>(entry.evaluations_per_step);
  }
  return evaluations;
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

#include "scorefield/search/schedule_spellings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace scorefield {

std::vector<ScheduleSpelling> schedule_spellings(const std::vector<double>& levels, bool analytical_first_step) {
  const bool to_zero = levels.back() == 0;
  std::vector<double> above = levels;
  if (to_zero) above.pop_back();
  const std::string list = fmt::format("{}", fmt::join(above, ", "));
  return {
      {"scorefield",
       fmt::format("--sigmas {} --end {}{}", fmt::join(levels, ","), to_zero ? "zero" : "sigma-min",
                   analytical_first_step ? " --afs" : ""),
       "for scorefield sample"},
      {"edm", fmt::format("--t_steps=\"[{}]\"{}", list, analytical_first_step ? " --afs=True" : ""),
       to_zero ? "a sampler that adds the last step to 0 itself, as edm_sampler does"
               : "a sampler that stops at the last level, as those of diff-sampler do"},
      {"diffusers", fmt::format("sigmas=[{}]", list),
       to_zero ? "schedulers add the last step to 0 themselves (final_sigmas_type=\"zero\")"
               : "schedulers add a step from the last level to 0: an evaluation more than is counted here"},
      {"comfyui", fmt::format("{}{}", list, to_zero ? ", 0" : ""),
       "the text of a SIGMAS node, one step from each to the next"},
  };
}

}  // namespace scorefield

// Noise levels as other systems want them typed.
#pragma once

#include <string>
#include <vector>

namespace scorefield {

struct ScheduleSpelling {
  std::string system;  // "scorefield", "edm", "diffusers", "comfyui"
  std::string text;
  std::string note;  // how the system reads it
};

/// levels: a run's, descending; a last 0 says that it takes a last step there. Digits are the shortest that give the
/// same doubles back. analytical_first_step: said where the system has a flag for it. Systems differ in whether the
/// last 0 is listed, or is put behind the list by the system itself.
std::vector<ScheduleSpelling> schedule_spellings(const std::vector<double>& levels, bool analytical_first_step);

}  // namespace scorefield

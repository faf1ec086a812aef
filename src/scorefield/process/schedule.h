// Sigma grids: the noise levels a sampler visits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scorefield {

/// Which levels. All sigmas in the VE frame, data units.
struct ScheduleOptions {
  std::string name = "polynomial";  // of schedule_names(); not used when `sigmas` is given
  int steps = 18;                   // noise levels from sigma_max to sigma_min, both included (EDM's num_steps)
  double sigma_min = 0.002;
  double sigma_max = 80;
  double rho = 7;              // of `polynomial`
  std::vector<double> sigmas;  // explicit levels, descending; may begin with inf and may end with 0
  bool end_at_zero = true;     // a last level 0 (EDM's last step); otherwise the run ends at the last level above 0
};

/// The levels, strictly descending; the last is 0 when end_at_zero, so `steps` levels make `steps` steps, and
/// `steps` - 1 otherwise. The first and the last level above 0 are sigma_max and sigma_min to the bit, or, of the
/// tables, the outermost entries between them.
///   polynomial  sigma_i = (sigma_max^(1/rho) + i/(n-1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho
///               (Karras et al. 2022, eq. 5)
///   logsnr      log sigma, and so log SNR = -2 log sigma, is equally spaced
///   linear      sigma is equally spaced
///   vp-uniform  the time of make_vp_between(sigma_min, sigma_max), 1 to 1e-3, is equally spaced (Song et al. 2021 as
///               Karras et al. 2022, table 1, have it; diff-sampler's "time_uniform")
///   cosine      the time of make_cosine() is equally spaced
///   ddpm, ldm   entries of the table of make_ddpm() or make_ldm(): whole times, equally spaced and rounded
/// Throws Error, with the reason, for an unknown name (with near ones), fewer than 2 levels, sigma_min >= sigma_max,
/// values out of range, more steps than a table has entries, or an explicit list that does not descend.
std::vector<double> noise_levels(const ScheduleOptions& options);

struct ScheduleEntry {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::string_view summary;
};

/// All named schedules, in the order in which they are listed to users.
std::vector<ScheduleEntry> schedules();

/// Every name that noise_levels() knows, aliases included.
std::vector<std::string> schedule_names();

}  // namespace scorefield

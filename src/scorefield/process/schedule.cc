#include "scorefield/process/schedule.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"

namespace scorefield {
namespace {

/// sigma at u = i/(n-1) in [0, 1], from sigma_max at 0 to sigma_min at 1.
using Level = double (*)(const ScheduleOptions& options, double u);

double polynomial(const ScheduleOptions& options, double u) {
  if (!(options.rho > 0) || std::isinf(options.rho)) {
    throw Error(fmt::format("--rho must be above 0 and finite, got {}; EDM's is 7", options.rho));
  }
  const double start = std::pow(options.sigma_max, 1 / options.rho);
  const double end = std::pow(options.sigma_min, 1 / options.rho);
  if (std::isinf(start)) {
    throw Error(fmt::format("--rho {} is too small: sigma-max^(1/rho) overflows; EDM's is 7", options.rho));
  }
  return std::pow(start + u * (end - start), options.rho);
}

double log_snr_spaced(const ScheduleOptions& options, double u) {
  return std::exp((1 - u) * std::log(options.sigma_max) + u * std::log(options.sigma_min));
}

struct Schedule {
  std::string_view name;
  Level level;
};

/// A new schedule is one line here.
constexpr std::array kSchedules = {
    Schedule{"polynomial", polynomial},
    Schedule{"karras", polynomial},
    Schedule{"logsnr", log_snr_spaced},
};

constexpr int kMostLevels = 1'000'000;

void check_range(const ScheduleOptions& options) {
  if (options.steps < 2) {
    throw Error(
        fmt::format("--steps {} is too few: a schedule has at least 2 noise levels, --sigma-max and "
                    "--sigma-min; for a single level name it, e.g. --sigmas {}",
                    options.steps, options.sigma_max));
  }
  if (options.steps > kMostLevels) {
    throw Error(fmt::format("--steps {} is too many: at most {} noise levels", options.steps, kMostLevels));
  }
  if (!(options.sigma_min > 0)) {
    throw Error(fmt::format("--sigma-min must be above 0, got {}; the last step to 0 comes after it (--end zero)",
                            options.sigma_min));
  }
  if (std::isinf(options.sigma_max)) {
    throw Error("--sigma-max must be finite here; to start from pure noise give the levels: --sigmas inf,80,...");
  }
  if (!(options.sigma_min < options.sigma_max)) {
    throw Error(fmt::format("--sigma-min {} must be below --sigma-max {}: a schedule goes from large noise to small",
                            options.sigma_min, options.sigma_max));
  }
}

/// The levels descend strictly and are above 0 (a last 0 was taken off before).
void check_descending(const std::vector<double>& levels, std::string_view what, std::string_view advice) {
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (!(levels[i] > 0)) {
      throw Error(fmt::format("{}: level {} is {}; noise levels are above 0{}", what, i, levels[i],
                              levels[i] == 0 ? ", and a 0 can only come last" : ""));
    }
    if (i > 0 && !(levels[i] < levels[i - 1])) {
      throw Error(
          fmt::format("{}: level {} is {}, not below {} before it; {}", what, i, levels[i], levels[i - 1], advice));
    }
  }
}

std::vector<double> explicit_levels(const ScheduleOptions& options) {
  std::vector<double> levels = options.sigmas;
  if (levels.back() == 0) {
    if (!options.end_at_zero) throw Error("--sigmas ends with 0, but --end sigma-min asks to stop above it; drop one");
    levels.pop_back();
  }
  if (levels.size() + (options.end_at_zero ? 1 : 0) < 2) {
    throw Error("--sigmas makes no step: give at least two levels, or one above 0 with --end zero");
  }
  check_descending(levels, "--sigmas", "list them from large to small");
  return levels;
}

std::vector<double> named_levels(const ScheduleOptions& options) {
  const Schedule* found = nullptr;
  for (const Schedule& schedule : kSchedules) {
    if (schedule.name == options.name) found = &schedule;
  }
  if (found == nullptr) throw Error(unknown_name("schedule", options.name, schedule_names()));
  check_range(options);
  std::vector<double> levels(static_cast<std::size_t>(options.steps));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = found->level(options, static_cast<double>(i) / static_cast<double>(levels.size() - 1));
  }
  levels.front() = options.sigma_max;
  levels.back() = options.sigma_min;
  check_descending(levels, fmt::format("schedule {}", options.name),
                   "the levels are too close to tell apart: take fewer --steps, a wider range or another --rho");
  return levels;
}

}  // namespace

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const Schedule& schedule : kSchedules) names.emplace_back(schedule.name);
  return names;
}

std::vector<double> noise_levels(const ScheduleOptions& options) {
  std::vector<double> levels = options.sigmas.empty() ? named_levels(options) : explicit_levels(options);
  if (options.end_at_zero) levels.push_back(0);
  return levels;
}

}  // namespace scorefield

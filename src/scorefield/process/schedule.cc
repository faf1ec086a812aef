#include "scorefield/process/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/process/process.h"

namespace scorefield {
namespace {

/// sigma(u) at u = i/(n-1): sigma_max to the bit at u = 0 and sigma_min at u = 1.
template <class Sigma>
std::vector<double> levels_at_shares(const ScheduleOptions& options, const Sigma& sigma) {
  std::vector<double> levels(static_cast<std::size_t>(options.steps));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = sigma(static_cast<double>(i) / static_cast<double>(levels.size() - 1));
  }
  levels.front() = options.sigma_max;
  levels.back() = options.sigma_min;
  return levels;
}

std::vector<double> polynomial(const ScheduleOptions& options) {
  if (!(options.rho > 0) || std::isinf(options.rho)) {
    throw Error(fmt::format("--rho must be above 0 and finite, got {}; EDM's is 7", options.rho));
  }
  const double start = std::pow(options.sigma_max, 1 / options.rho);
  const double end = std::pow(options.sigma_min, 1 / options.rho);
  if (std::isinf(start)) {
    throw Error(fmt::format("--rho {} is too small: sigma-max^(1/rho) overflows; EDM's is 7", options.rho));
  }
  return levels_at_shares(options, [&](double u) { return std::pow(start + u * (end - start), options.rho); });
}

std::vector<double> log_snr_spaced(const ScheduleOptions& options) {
  return levels_at_shares(options, [&](double u) {
    return std::exp((1 - u) * std::log(options.sigma_max) + u * std::log(options.sigma_min));
  });
}

std::vector<double> linear(const ScheduleOptions& options) {
  return levels_at_shares(options, [&](double u) { return (1 - u) * options.sigma_max + u * options.sigma_min; });
}

/// The process's time equally spaced.
std::vector<double> time_spaced(const Process& process, double start, double end, const ScheduleOptions& options) {
  return levels_at_shares(options, [&](double u) { return process.at((1 - u) * start + u * end).sigma; });
}

std::vector<double> vp_uniform(const ScheduleOptions& options) {
  // Between the times that define this process: it reaches sigma_max up to rounding only.
  return time_spaced(*make_vp_between(options.sigma_min, options.sigma_max), 1, 1e-3, options);
}

std::vector<double> cosine_uniform(const ScheduleOptions& options) {
  const auto process = make_cosine();
  return time_spaced(*process, process->time_of(options.sigma_max), process->time_of(options.sigma_min), options);
}

/// Entries of a discrete process's table (its whole times), equally spaced up to rounding.
std::vector<double> table_entries(const Process& table, const ScheduleOptions& options) {
  // Time and level are inverse up to rounding: an entry that is a limit itself belongs to the table.
  constexpr double kRounding = 1e-9;
  const double lowest = table.at(table.t_min()).sigma;
  const double highest = table.at(table.t_max()).sigma;
  double last = options.sigma_max < highest ? table.time_of(std::max(options.sigma_max, lowest)) : table.t_max();
  double first = options.sigma_min > lowest ? table.time_of(std::min(options.sigma_min, highest)) : table.t_min();
  last = std::floor(last + kRounding);
  first = std::ceil(first - kRounding);
  const double entries = last - first + 1;
  if (options.sigma_max < lowest || options.sigma_min > highest || entries < options.steps) {
    throw Error(fmt::format(
        "--steps {}: the table of {}, from sigma {:.6g} to {:.6g}, has {} entries between --sigma-min {} and "
        "--sigma-max {}; take fewer steps or a wider range",
        options.steps, options.name, lowest, highest, std::max(0.0, entries), options.sigma_min, options.sigma_max));
  }
  std::vector<double> levels(static_cast<std::size_t>(options.steps));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const double u = static_cast<double>(i) / static_cast<double>(levels.size() - 1);
    levels[i] = table.at(std::round(last + u * (first - last))).sigma;
  }
  return levels;
}

std::vector<double> ddpm_table(const ScheduleOptions& options) {
  return table_entries(*make_ddpm(), options);
}

std::vector<double> ldm_table(const ScheduleOptions& options) {
  return table_entries(*make_ldm(), options);
}

struct Schedule {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::string_view summary;
  std::vector<double> (*levels)(const ScheduleOptions& options);
};

/// A new schedule is one line here.
const std::vector<Schedule>& table() {
  static const std::vector<Schedule> schedules = {
      {"polynomial", {"karras"}, "sigma^(1/rho) equally spaced (EDM)", polynomial},
      {"logsnr", {"exponential"}, "log sigma equally spaced", log_snr_spaced},
      {"linear", {"uniform"}, "sigma equally spaced", linear},
      {"vp-uniform", {"time-uniform"}, "the time of the variance-preserving process equally spaced", vp_uniform},
      {"cosine", {}, "the time of the cosine process equally spaced", cosine_uniform},
      {"ddpm", {"discrete"}, "entries of DDPM's table of 1000", ddpm_table},
      {"ldm", {"scaled-linear"}, "entries of latent diffusion's table of 1000", ldm_table},
  };
  return schedules;
}

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
  const auto found = std::ranges::find_if(table(), [&](const Schedule& schedule) {
    return schedule.name == options.name || std::ranges::find(schedule.aliases, options.name) != schedule.aliases.end();
  });
  if (found == table().end()) throw Error(unknown_name("schedule", options.name, schedule_names()));
  check_range(options);
  std::vector<double> levels = found->levels(options);
  check_descending(levels, fmt::format("schedule {}", options.name),
                   "the levels are too close to tell apart: take fewer --steps, a wider range or another --rho");
  return levels;
}

}  // namespace

std::vector<ScheduleEntry> schedules() {
  std::vector<ScheduleEntry> entries;
  for (const Schedule& schedule : table()) entries.push_back({schedule.name, schedule.aliases, schedule.summary});
  return entries;
}

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const Schedule& schedule : table()) {
    names.emplace_back(schedule.name);
    names.insert(names.end(), schedule.aliases.begin(), schedule.aliases.end());
  }
  return names;
}

std::vector<double> noise_levels(const ScheduleOptions& options) {
  std::vector<double> levels = options.sigmas.empty() ? named_levels(options) : explicit_levels(options);
  if (options.end_at_zero) levels.push_back(0);
  return levels;
}

}  // namespace scorefield

// The flags that choose a sampler, its options, its noise levels and its time: of every command that runs one.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "scorefield/process/process.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sampler.h"

namespace CLI {
class App;
}  // namespace CLI

namespace scorefield {

/// A field of SamplerOptions as a flag; its name is the one that SamplerEntry::options has.
struct SamplerOptionFlag {
  std::string_view name;
  std::variant<bool SamplerOptions::*, double SamplerOptions::*, std::optional<double> SamplerOptions::*> member;
  std::string_view help;
};

std::span<const SamplerOptionFlag> sampler_option_flags();

/// The flags as typed.
struct SamplerArguments {
  std::string solver = "heun";
  SamplerOptions options;
  ScheduleOptions schedule;
  std::string sigmas;
  std::string end = "zero";
  std::string process;
};

/// Adds --solver, its options, --process, --schedule, --steps, --sigma-min, --sigma-max, --rho and --sigmas.
void add_sampler_arguments(CLI::App& command, SamplerArguments& arguments);
/// Adds --end: a last step to 0, or none.
void add_end_argument(CLI::App& command, SamplerArguments& arguments);

/// Throws Error for an unknown solver (with near names) and for a flag that it does not read (with those that it does).
const SamplerEntry& chosen_solver(const CLI::App& command, const SamplerArguments& arguments);
/// noise_levels() of the flags.
std::vector<double> chosen_levels(const SamplerArguments& arguments);
/// Null without --process. Throws Error where it does not have these noise levels.
std::unique_ptr<const Process> chosen_process(const SamplerArguments& arguments, std::span<const double> levels);
/// Throws Error when a multistep solver has fewer steps than its order: it would never be what it is called.
void check_order(const SamplerEntry& solver, const SamplerOptions& options, std::size_t steps);

}  // namespace scorefield

#include "scorefield/cli/sampler_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <type_traits>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"

namespace scorefield {
namespace {

/// A new option is one line here.
constexpr std::array kOptionFlags = {
    SamplerOptionFlag{"r", &SamplerOptions::r, "Where the second of the stages lies, as a share of the step"},
    SamplerOptionFlag{"r2", &SamplerOptions::r2, "Where the third lies"},
    SamplerOptionFlag{"second-order", &SamplerOptions::second_order,
                      "DPM-Solver multistep of order 2: midpoint (the default) or heun"},
    SamplerOptionFlag{"lower-order-final", &SamplerOptions::lower_order_final,
                      "Multistep: a lower order in the last steps, 1 in the last"},
    SamplerOptionFlag{"rtol", &SamplerOptions::rtol, "Adaptive: error of a step relative to the state (default 1e-6)"},
    SamplerOptionFlag{"atol", &SamplerOptions::atol, "Adaptive: absolute error of a step, data units (default 1e-8)"},
    SamplerOptionFlag{"eta", &SamplerOptions::eta, "Share of the reverse SDE's noise: 0 none, 1 (the default) all"},
    SamplerOptionFlag{"s-noise", &SamplerOptions::s_noise, "A factor on the noise of the steps (default 1)"},
    SamplerOptionFlag{"lambda", &SamplerOptions::lambda,
                      "Of the reverse SDEs with one law: from the ODE (0) to the usual one (1, the default)"},
    SamplerOptionFlag{"variance", &SamplerOptions::variance,
                      "DDPM's: from the posterior's (0) to the forward step's (1, the default)"},
    SamplerOptionFlag{"predictor", &SamplerOptions::predictor, "Of predictor-corrector (default reverse-diffusion)"},
    SamplerOptionFlag{"corrector-steps", &SamplerOptions::corrector_steps, "Corrector steps a level (default 1)"},
    SamplerOptionFlag{"snr", &SamplerOptions::snr, "Signal-to-noise ratio of the corrector (default 0.16)"},
    SamplerOptionFlag{"langevin-steps", &SamplerOptions::langevin_steps, "Langevin steps a level (default 100)"},
    SamplerOptionFlag{"langevin-step", &SamplerOptions::langevin_step,
                      "Their size as a share of sigma^2 (default 0.2)"},
};

std::string solver_help() {
  std::string text;
  for (const SamplerEntry& entry : samplers()) text += fmt::format("{}{}", text.empty() ? "" : ", ", entry.name);
  return text + "; 'scorefield solvers' says what they are";
}

}  // namespace

std::span<const SamplerOptionFlag> sampler_option_flags() {
  return kOptionFlags;
}

void add_sampler_arguments(CLI::App& command, SamplerArguments& arguments) {
  const char* const group = "Solver and noise levels";
  command.add_option("--solver", arguments.solver, solver_help())->capture_default_str()->group(group);
  for (const SamplerOptionFlag& flag : kOptionFlags) {
    // Without a default that is shown: what is not typed is not in the config, and so not refused there.
    const std::string name = "--" + std::string(flag.name);
    std::visit(
        [&](auto member) {
          auto& value = arguments.options.*member;
          if constexpr (std::is_same_v<decltype(value), bool&>) {
            command.add_flag(name, value, std::string(flag.help))->group(group);
          } else {
            CLI::Option* option = command.add_option(name, value, std::string(flag.help))->group(group);
            if constexpr (std::is_same_v<decltype(value), SecondOrder&>) {
              option->transform(CLI::CheckedTransformer(std::map<std::string, SecondOrder>{
                  {"midpoint", SecondOrder::kMidpoint}, {"heun", SecondOrder::kHeun}}));
            }
          }
        },
        flag.member);
  }
  command
      .add_option("--process", arguments.process,
                  fmt::format("In whose time the methods that refer to one step (default: sigma itself): {}; constants "
                              "may follow, as in vp:0.1,20",
                              fmt::join(process_names(), ", ")))
      ->group(group);
  std::vector<std::string_view> names;
  for (const ScheduleEntry& entry : schedules()) names.push_back(entry.name);
  CLI::Option* sigmas =
      command.add_option("--sigmas", arguments.sigmas, "Explicit noise levels, e.g. 80,10.98,2.5,0 (inf may be first)")
          ->group(group);
  const auto add = [&](const char* flag, auto& value, const std::string& help) {
    command.add_option(flag, value, help)->capture_default_str()->excludes(sigmas)->group(group);
  };
  add("--schedule", arguments.schedule.name, fmt::format("{}", fmt::join(names, ", ")));
  add("--steps", arguments.schedule.steps, "Noise levels from sigma-max to sigma-min (EDM's num_steps)");
  add("--sigma-min", arguments.schedule.sigma_min, "Last noise level above 0, data units");
  add("--sigma-max", arguments.schedule.sigma_max, "First noise level, data units");
  add("--rho", arguments.schedule.rho, "Of the polynomial schedule");
}

void add_end_argument(CLI::App& command, SamplerArguments& arguments) {
  command.add_option("--end", arguments.end, "A last step to sigma = 0, or stop at sigma-min")
      ->check(CLI::IsMember({"zero", "sigma-min"}))
      ->capture_default_str()
      ->group("Solver and noise levels");
}

const SamplerEntry& chosen_solver(const CLI::App& command, const SamplerArguments& arguments) {
  const SamplerEntry& solver = find_sampler(arguments.solver);
  std::vector<std::string> read;
  for (const std::string_view option : solver.options) read.push_back("--" + std::string(option));
  for (const SamplerOptionFlag& flag : kOptionFlags) {
    const std::string name = "--" + std::string(flag.name);
    if (command.get_option(name)->count() == 0 || std::ranges::find(read, name) != read.end()) continue;
    // A flag that is not set is in a config all the same.
    const auto* const member = std::get_if<bool SamplerOptions::*>(&flag.member);
    if (member != nullptr && !(arguments.options.**member)) continue;
    throw Error(fmt::format("{}: {} does not read it; it reads {}", name, solver.name,
                            read.empty() ? "no option" : fmt::format("{}", fmt::join(read, ", "))));
  }
  return solver;
}

std::vector<double> chosen_levels(const SamplerArguments& arguments) {
  ScheduleOptions schedule = arguments.schedule;
  if (!arguments.sigmas.empty()) schedule.sigmas = parse_numbers(arguments.sigmas, "--sigmas");
  schedule.end_at_zero = arguments.end == "zero";
  return noise_levels(schedule);
}

std::unique_ptr<const Process> chosen_process(const SamplerArguments& arguments, std::span<const double> levels) {
  if (arguments.process.empty()) return nullptr;
  std::unique_ptr<const Process> process = make_process(arguments.process);
  const double least = process->at(process->t_min()).sigma;
  const double most = process->at(process->t_max()).sigma;
  for (const double sigma : levels) {
    if ((sigma >= least && sigma <= most) || sigma == 0) continue;
    throw Error(fmt::format(
        "--process {}: it has noise from sigma = {:.6g} to {:.6g}, and the levels go from {} down to {}; set "
        "--sigma-max and --sigma-min within",
        arguments.process, least, most, levels.front(),
        levels.back() == 0 ? levels[levels.size() - 2] : levels.back()));
  }
  return process;
}

void check_order(const SamplerEntry& solver, const SamplerOptions& options, std::size_t steps) {
  const auto order = static_cast<std::size_t>(solver.order);
  if (order <= steps || solver.make(options)->memory() == 1) return;
  throw Error(fmt::format(
      "--solver {}: a multistep method of order {} needs at least {} steps, and the noise levels make {}; take more "
      "levels or a lower order",
      solver.name, order, order, steps));
}

}  // namespace scorefield

// scorefield solvers: what --solver and --schedule can be, and which to take.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/cli/command.h"
#include "scorefield/cli/solver_comparison.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {
namespace {

std::string_view kind_of(const SamplerEntry& entry) {
  return entry.kind == SamplerKind::kOde ? "ODE" : "SDE";
}

std::string joined(const std::vector<std::string_view>& names) {
  return names.empty() ? "-" : fmt::format("{}", fmt::join(names, ","));
}

/// Text in columns as wide as their widest cell; the last column is left as it is.
std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t k = 0; k + 1 < row.size(); ++k) text += fmt::format("{:<{}}  ", row[k], widths[k]);
    text += row.back() + "\n";
  }
  return text;
}

std::string list_text() {
  std::vector<std::vector<std::string>> solvers = {
      {"solver", "kind", "order", "evaluations", "steps in", "aliases", "options", ""}};
  for (const SamplerEntry& entry : samplers()) {
    solvers.push_back({std::string(entry.name), std::string(kind_of(entry)), fmt::format("{}", entry.order),
                       entry.evaluations_per_step == 0 ? "adaptive" : fmt::format("{}", entry.evaluations_per_step),
                       entry.in_time ? "time" : "sigma", joined(entry.aliases), joined(entry.options),
                       std::string(entry.summary)});
  }
  std::vector<std::vector<std::string>> levels = {{"schedule", "aliases", ""}};
  for (const ScheduleEntry& entry : schedules()) {
    levels.push_back({std::string(entry.name), joined(entry.aliases), std::string(entry.summary)});
  }
  return table_text(solvers) + "\n" + table_text(levels) +
         "\norder: of the end point (ODE) or of its law (SDE); evaluations: of the field, a step; time: that of "
         "--process, sigma itself without one\n";
}

nlohmann::json list_json() {
  nlohmann::json result = {{"solvers", nlohmann::json::array()}, {"schedules", nlohmann::json::array()}};
  for (const SamplerEntry& entry : samplers()) {
    nlohmann::json solver = {{"name", entry.name},
                             {"aliases", entry.aliases},
                             {"kind", kind_of(entry)},
                             {"order", entry.order},
                             {"in_time", entry.in_time},
                             {"options", entry.options},
                             {"summary", entry.summary},
                             {"adaptive", entry.evaluations_per_step == 0},
                             {"evaluations_per_step", nullptr}};
    if (entry.evaluations_per_step > 0) solver["evaluations_per_step"] = entry.evaluations_per_step;
    result["solvers"].push_back(solver);
  }
  for (const ScheduleEntry& entry : schedules()) {
    result["schedules"].push_back({{"name", entry.name}, {"aliases", entry.aliases}, {"summary", entry.summary}});
  }
  return result;
}

}  // namespace

void add_solvers_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("solvers", "List the solvers and the schedules, or compare them on a data set or a network");
  const auto run = std::make_shared<RunArguments>();
  const auto comparison = add_comparison_arguments(*command, *run);
  command->footer(
      "Examples:\n"
      "  scorefield solvers\n"
      "  scorefield solvers --data fashion-mnist --nfe 4-40 --out runs/solvers\n"
      "  scorefield solvers --data ring --sigma-max 20 --solvers euler,heun,posterior --schedules logsnr --nfe "
      "5,10,20\n"
      "  scorefield solvers --model net.pt --solvers heun,ipndm3,dpmpp2m --schedules vp-uniform --nfe 5,10,20 --seeds "
      "0-15\n"
      "  scorefield solvers --resume runs/solvers");
  command->callback([command, run, comparison] {
    if (wants_comparison(*command)) return run_comparison(*command, *comparison, *run);
    fmt::print("{}\n", run->json ? list_json().dump() : list_text());
  });
}

}  // namespace scorefield

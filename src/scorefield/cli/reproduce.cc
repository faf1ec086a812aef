// scorefield reproduce: measures the claims of the papers the project is built on.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/experiment/reproduce.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

constexpr int kClaimFailed = 1;

struct ReproduceArguments {
  MachineArguments machine;
  std::vector<std::string> names;
  bool all = false;
  bool list = false;
  RunArguments run;
};

void print_list(bool json) {
  nlohmann::json list = nlohmann::json::array();
  for (const Claim& claim : claims()) {
    list.push_back({{"name", claim.name}, {"statement", claim.statement}, {"source", claim.source}});
    if (!json) fmt::print("{}\n    {}\n", claim.name, claim.statement);
  }
  if (json) fmt::print("{}\n", list.dump());
}

/// In the order asked, each once.
std::vector<Claim> chosen_claims(const ReproduceArguments& arguments) {
  if (arguments.all) {
    if (!arguments.names.empty()) throw Error("--all and names of claims are given; take one of them");
    return claims();
  }
  if (arguments.names.empty()) throw Error("name the claims to measure, or --all; --list shows them");
  std::vector<Claim> chosen;
  for (const std::string& name : arguments.names) {
    const Claim& claim = find_claim(name);
    const bool again = std::any_of(chosen.begin(), chosen.end(), [&](const Claim& c) { return c.name == claim.name; });
    if (!again) chosen.push_back(claim);
  }
  return chosen;
}

/// After Ctrl-C: what is finished is kept, and the rest is named.
void say_what_is_missing(const std::vector<Claim>& chosen, std::size_t finished, const std::string& folder) {
  std::string missing;
  for (const Claim& claim : std::span(chosen).subspan(finished)) missing += fmt::format(" {}", claim.name);
  fmt::print(stderr, "stopped with {} of {} claims measured (in {}); for the others: scorefield reproduce{}\n",
             finished, chosen.size(), folder, missing);
}

void run_reproduce(const ReproduceArguments& arguments) {
  if (arguments.list) return print_list(arguments.run.json);
  const std::vector<Claim> chosen = chosen_claims(arguments);
  const Machine machine(arguments.machine);  // first: wrong flags leave no folder
  RunFolder folder = run_folder(arguments.run, "reproduce");
  if (folder.resumed()) {
    throw Error(fmt::format("{}: holds a run already; give another --out", folder.path().string()));
  }
  nlohmann::json names = nlohmann::json::array();
  for (const Claim& claim : chosen) names.push_back(claim.name);
  folder.begin({{"command", "reproduce"}, {"claims", names}});

  std::vector<ClaimResult> results;
  try {
    for (const Claim& claim : chosen) {
      results.push_back(reproduce(claim, folder.path(), machine.context()));
      if (arguments.run.json) continue;
      fmt::print("{}\n", result_text(results.back()));
      std::fflush(stdout);
    }
  } catch (const Cancelled&) {
    write_results(results, folder.path());
    say_what_is_missing(chosen, results.size(), folder.path().string());
    throw;
  }
  write_results(results, folder.path());
  if (arguments.run.json) {
    fmt::print("{}\n", read_json(folder / "claims.json", {}).dump());
  } else {
    fmt::print("{}{}\n", summary_text(results), folder.path().string());
  }
  if (any_failed(results)) throw CLI::RuntimeError(kClaimFailed);
}

}  // namespace

void add_reproduce_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("reproduce", "Measure the claims of the papers, with a verdict on each");
  const auto arguments = std::make_shared<ReproduceArguments>();
  command->add_option("claims", arguments->names, "Names of claims (--list shows them)")->take_all();
  command->add_flag("--list", arguments->list, "List the claims and measure nothing");
  command->add_flag("--all", arguments->all, "Measure every claim");
  add_run_arguments(*command, arguments->run,
                    {.out = "Folder for results (default: a new one under runs/)",
                     .repeats = false,
                     .json = "Print verdicts as JSON"});
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield reproduce --list\n"
      "  scorefield reproduce --all\n"
      "  scorefield reproduce terminal-weights memorisation --out runs/mine\n"
      "Exits with status 1 when a claim fails.");
  command->callback([arguments] { run_reproduce(*arguments); });
}

}  // namespace scorefield

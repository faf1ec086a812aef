// scorefield <command> [flags]: parses, calls the library, prints.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/keep_memory.h"
#include "scorefield/cli/prepare_libtorch.h"
#include "scorefield/run/run_folder.h"

namespace {

using scorefield::Error;

constexpr int kUsageError = 2;
constexpr int kBug = 70;         // EX_SOFTWARE
constexpr int kCancelled = 130;  // as shells report Ctrl-C

/// Whether one of the typed arguments is a flag that excludes `name` (as --rows excludes --exhaustive).
bool is_excluded(const CLI::App& command, const std::string& name, const std::vector<std::string>& typed) {
  const CLI::Option* option = command.get_option_no_throw("--" + name);
  if (option == nullptr) return false;
  return std::ranges::any_of(option->get_excludes(), [&](const CLI::Option* other) {
    return std::ranges::any_of(
        typed, [&](const std::string& argument) { return other->check_name(argument.substr(0, argument.find('='))); });
  });
}

/// Flags of a config.json as if they had been typed first, so that typed ones override them.
std::vector<std::string> config_arguments(const std::string& path, const CLI::App& parser,
                                          const std::vector<std::string>& typed) {
  const std::string& command = typed[0];
  const nlohmann::json config = scorefield::read_json(path, {});
  if (!config.is_object() || !config.contains("options") || !config["options"].is_object()) {
    throw Error(fmt::format("{}: not a run's config.json (it has no \"options\")", path));
  }
  const auto& made_by_value = config.contains("command") ? config["command"] : nlohmann::json(command);
  const std::string made_by = made_by_value.is_string() ? made_by_value.get<std::string>() : made_by_value.dump();
  if (made_by != command) {
    throw Error(fmt::format("{}: made by 'scorefield {}', not by 'scorefield {}'", path, made_by, command));
  }
  std::vector<std::string> arguments;
  for (const auto& [name, value] : config["options"].items()) {
    if (!value.is_primitive() || value.is_null()) {
      throw Error(fmt::format("{}: the option \"{}\" is neither text, number, true nor false", path, name));
    }
    if (is_excluded(parser, name, typed)) continue;
    if (value.is_boolean()) {
      if (value.get<bool>()) arguments.push_back("--" + name);
    } else {
      arguments.push_back("--" + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
    }
  }
  return arguments;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

/// "" where every flag is one of the command's.
std::string first_unknown_flag(const CLI::App& command, const std::vector<std::string>& typed) {
  const std::vector<std::string> known = flags_of(command);
  for (const std::string& argument : typed) {
    std::string flag = argument.substr(0, argument.find('='));
    if (flag.size() > 2 && flag.starts_with("--") && std::ranges::find(known, flag) == known.end()) return flag;
  }
  return "";
}

/// The typed arguments, with those of --config FILE (or --resume RUN) put before them.
std::vector<std::string> expand_config(const CLI::App& app, std::vector<std::string> typed) {
  if (typed.empty() || typed[0].starts_with("-")) return typed;  // no command
  for (std::size_t i = 1; i < typed.size(); ++i) {
    for (const auto& [flag, suffix] : {std::pair{"--config", ""}, std::pair{"--resume", "/config.json"}}) {
      std::string path;
      if (typed[i] == flag && i + 1 < typed.size()) path = typed[i + 1];
      if (typed[i].starts_with(std::string(flag) + "=")) path = typed[i].substr(std::string(flag).size() + 1);
      if (path.empty()) continue;
      const auto arguments = config_arguments(path + suffix, *app.get_subcommand(typed[0]), typed);
      typed.insert(typed.begin() + 1, arguments.begin(), arguments.end());
      return typed;
    }
  }
  return typed;
}

int run(int argc, char** argv) {
  CLI::App app("Exact diffusion fields of finite data sets, and models held against them.", "scorefield");
  app.set_version_flag("--version", "scorefield " SCOREFIELD_VERSION);
  app.require_subcommand(1);
  app.option_defaults()->take_last();
  app.footer(
      "Examples:\n"
      "  scorefield sample --data fashion-mnist --seeds 0-63\n"
      "  scorefield describe --data train.npz --held-out test.npz\n"
      "  scorefield reproduce --all\n"
      "  scorefield sample --help");
  scorefield::add_sample_command(app);
  scorefield::add_describe_command(app);
  scorefield::add_schedule_command(app);
  scorefield::add_reproduce_command(app);
  scorefield::add_encode_command(app);
  scorefield::add_solvers_command(app);
  scorefield::add_metrics_command(app);
  scorefield::add_train_command(app);
  scorefield::add_latents_command(app);
  scorefield::add_decode_command(app);
  scorefield::add_elbo_command(app);
  scorefield::add_compare_command(app);
  scorefield::add_guidance_command(app);
  scorefield::add_import_command(app);

  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && !arguments[0].starts_with("-")) {
    std::vector<std::string> known;
    for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
    if (std::ranges::find(known, arguments[0]) == known.end()) {
      throw Error(scorefield::unknown_name("command", arguments[0], known));
    }
  }
  const std::string typed_command = arguments.empty() ? "" : arguments[0];
  if (!typed_command.empty() && !typed_command.starts_with("-")) {
    const CLI::App& command = *app.get_subcommand(typed_command);
    const std::string unknown = first_unknown_flag(command, arguments);
    if (!unknown.empty()) throw Error(scorefield::unknown_name("flag", unknown, flags_of(command)));
  }
  arguments = expand_config(app, std::move(arguments));
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
    app.parse(arguments);
  } catch (const CLI::RuntimeError& ended) {
    return ended.get_exit_code();  // a command that has said everything
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    throw Error(fmt::format("{} (scorefield{} --help shows the flags)", error.what(),
                            typed_command.empty() ? "" : " " + typed_command));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  scorefield::keep_freed_memory();
  scorefield::prepare_libtorch();
  try {
    const int status = run(argc, argv);
    if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "standard output");
    return status;
  } catch (const scorefield::Cancelled&) {
    return kCancelled;
  } catch (const Error& error) {
    fmt::print(stderr, "scorefield: {}\n", error.what());
    return kUsageError;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "scorefield: out of memory; use less data or a smaller --batch\n");
    return kUsageError;
  } catch (const std::system_error& error) {  // a full disk, a folder that may not be made
    fmt::print(stderr, "scorefield: {}\n", error.what());
    return kUsageError;
  } catch (const std::exception& error) {
    fmt::print(stderr, "scorefield: this is a bug, please report it: {}\n", error.what());
    return kBug;
  }
}

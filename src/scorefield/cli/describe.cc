// scorefield describe: what a data set is, and what a memorisation test can expect of it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/describe_text.h"
#include "scorefield/data/named.h"
#include "scorefield/metrics/description.h"
#include "scorefield/metrics/description_json.h"
#include "scorefield/metrics/description_pictures.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

struct DescribeArguments {
  DataArguments data;
  MachineArguments machine;
  std::string held_out;
  std::optional<std::size_t> rows;
  bool exhaustive = false;
  std::uint64_t seed = 0;
  RunArguments run;
};

void run_describe(const CLI::App& command, const DescribeArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const Dataset data = open_dataset(arguments.data, context);
  const std::optional<Dataset> other = open_held_out(arguments.held_out, arguments.data, data, context);
  const Dataset* held_out = other ? &*other : nullptr;

  nlohmann::json result = {{"data", dataset_json(data)}};
  if (held_out != nullptr) result["held_out_data"] = dataset_json(*held_out);
  nlohmann::json config = result;
  config["command"] = "describe";
  config["options"] = resolved_options(command);
  RunFolder folder = run_folder(arguments.run, "describe-" + short_name(arguments.data.data));
  folder.begin(config);

  DescribeOptions options;
  options.rows = arguments.exhaustive ? std::numeric_limits<std::size_t>::max() : arguments.rows;
  options.seed = arguments.seed;
  DataDescription description;
  try {
    description = describe(data, held_out, options, context);
  } catch (const Cancelled&) {
    fmt::print(stderr, "stopped before anything was found; {}\n", start_again_text("describe", folder));
    throw;
  }
  result.update(description_json(description));
  const auto pictures = write_description_pictures(data, held_out, description, arguments.seed, folder.path(), context);
  write_json(folder / "describe.json", result);
  if (arguments.run.json) {
    fmt::print("{}\n", json_text(result));
    return;
  }
  fmt::print("{}\npictures: {}\n{}\n", description_text(data, held_out, description), fmt::join(pictures, " "),
             folder.path().string());
}

}  // namespace

void add_describe_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("describe", "Say what a data set is: values, labels, duplicates, neighbours");
  const auto arguments = std::make_shared<DescribeArguments>();
  add_data_arguments(*command, arguments->data);
  command
      ->add_option("--held-out", arguments->held_out,
                   "Rows of the same kind that are not in the data set (default: the test set of a named set)")
      ->group("Data");
  CLI::Option* rows =
      command
          ->add_option("--rows", arguments->rows,
                       "Rows of each search for neighbours, drawn at random (default: what a fixed amount of work "
                       "pays for; 10212 against fashion-mnist)")
          ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 32));
  command->add_flag("--exhaustive", arguments->exhaustive, "Search for the neighbours of every row")->excludes(rows);
  command->add_option("--seed", arguments->seed, "Of the random choice of rows")
      ->check([](const std::string& text) {
        return text.find('-') == std::string::npos ? std::string() : fmt::format("{} is negative", text);
      })
      ->capture_default_str();
  add_run_arguments(*command, arguments->run);
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield describe --data fashion-mnist\n"
      "  scorefield describe --data train.npz --held-out test.npz --out runs/mine\n"
      "  scorefield describe --data photos/ --resolution 64 --exhaustive\n"
      "  scorefield describe --data points.csv --json");
  command->callback([command, arguments] { run_describe(*command, *arguments); });
}

}  // namespace scorefield

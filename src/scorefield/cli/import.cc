// scorefield import: a network that was made elsewhere, held against what is said about it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/sha256.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/model_flags.h"
#include "scorefield/learn/import_report.h"
#include "scorefield/learn/imported_model.h"
#include "scorefield/learn/own_samples.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

struct ImportArguments {
  DataArguments data;
  ModelArguments model;
  MachineArguments machine;
  std::size_t rows = 64;
  std::uint64_t seed = 0;
  bool no_search = false;
  bool save = false;
  RunArguments run;
};

/// Rows from the whole of the data set, in its order, with their labels where the network takes them.
CheckRows spread_rows(const Dataset& data, const Declaration& declaration, std::size_t count) {
  if (data.size() < 2) throw Error(fmt::format("{}: a check needs two rows or more", data.name()));
  CheckRows rows{Rows(std::min(count, data.size()), data.dimension()), {}};
  const bool has_labels = !data.labels().empty() && data.classes() <= declaration.classes;
  if (declaration.classes > 0 && !declaration.no_class && !has_labels) {
    throw Error(
        fmt::format("the network takes one of {} classes, but {} has {}; give rows with such labels, or say "
                    "which class stands for none (--no-class)",
                    declaration.classes, data.name(),
                    data.labels().empty() ? "no labels" : fmt::format("labels up to {}", data.classes() - 1)));
  }
  for (std::size_t i = 0; i < rows.x0.rows(); ++i) {
    const std::size_t row = i * data.size() / rows.x0.rows();
    data.row(row, rows.x0[i]);
    if (has_labels) rows.labels.push_back(data.labels()[row]);
  }
  return rows;
}

void run_import(const CLI::App& command, const ImportArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  std::optional<Dataset> data;
  if (!arguments.data.data.empty()) data = open_dataset(arguments.data, context);
  Declaration declaration = read_declaration(arguments.model, context);
  if (data && declaration.shape.empty()) declaration.shape = data->shape();
  if (data) check_rows("--model " + arguments.model.model, form_of(arguments.model, declaration), *data);
  const auto network = open_network(arguments.model.model, declaration);
  if (arguments.save && declaration_path(arguments.model.model) == arguments.model.model) {
    throw Error(
        fmt::format("--save: {} is the model itself; give it another ending, such as .pt", arguments.model.model));
  }

  CheckRows rows;
  if (data) rows = spread_rows(*data, declaration, arguments.rows);

  RunFolder folder = run_folder(arguments.run, "import-" + short_name(arguments.model.model));
  nlohmann::json config = {{"command", "import"},
                           {"options", resolved_options(command)},
                           {"model", declaration_json(declaration)},
                           {"model_digest", file_digest(arguments.model.model)}};
  if (data) config["data_digest"] = data->digest();
  folder.begin(config);

  if (!data) {
    const auto field = make_imported_field(network, declaration);
    const int label = declaration.classes > 0 && !declaration.no_class ? 0 : -1;
    rows.x0 = own_samples(*field, sigma_range(declaration), std::min<std::size_t>(arguments.rows, 16), label, context);
  }
  ImportCheck check =
      check_import(network, declaration, rows,
                   {.seed = arguments.seed, .search = !arguments.no_search && data, .own_samples = !data}, context);
  write_import_picture(check, rows, folder / (data ? "denoised.png" : "samples.png"));

  Declaration found = declaration;
  if (const Trial* better = better_declaration(check); better != nullptr && data) found = better->declaration;
  const bool is_saved = arguments.save && verdict_of(check) != ImportVerdict::kPoor;
  nlohmann::json result = import_json(check);
  result["data"] = data ? nlohmann::json(data->name()) : nlohmann::json(nullptr);
  result["rows"] = rows.x0.rows();
  result["saved"] = is_saved;
  write_json(folder / "import.json", result);
  write_json(folder / "net.json", declaration_json(found));
  if (is_saved) write_json(declaration_path(arguments.model.model), declaration_json(found));
  if (arguments.run.json) {
    fmt::print("{}\n", json_text(result));
    return;
  }
  fmt::print("{}: {} rows of {}\n{}", arguments.model.model, rows.x0.rows(), data ? data->name() : "its own samples",
             import_text(check));
  if (arguments.save) {
    const std::string path = declaration_path(arguments.model.model).string();
    fmt::print("{}\n", is_saved ? path + " is written" : path + " is not written: what was found does not denoise");
  }
  fmt::print("{}\n", folder.path().string());
}

}  // namespace

void add_import_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("import", "Check what is said about a trained network: does it denoise as declared?");
  const auto arguments = std::make_shared<ImportArguments>();
  add_model_arguments(*command, arguments->model, "--process,--model-process")->required();
  add_data_arguments(*command, arguments->data);
  command->get_option("--data")->required(false);
  command->add_option("--rows", arguments->rows, "Rows that are noised and denoised")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "Of the noise")->capture_default_str();
  command->add_flag("--no-search", arguments->no_search, "Try single other values only, not their combinations");
  command->add_flag("--save", arguments->save, "Write what was found into the JSON beside the model")->group("Run");
  add_run_arguments(*command, arguments->run);
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "TorchScript is code: only import files that you trust.\n"
      "Examples:\n"
      "  scorefield import --model net.pt --data mnist/\n"
      "  scorefield import --model net.pt --predicts eps --process ddpm-linear --time index/1000 --range -0.5,0.5 "
      "--data mnist/\n"
      "  scorefield import --model net.pt --shape 1,28,28 --data mnist/ --save");
  command->callback([command, arguments] { run_import(*command, *arguments); });
}

}  // namespace scorefield

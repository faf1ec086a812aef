// The flags that name an imported network and declare what it is: of every command that takes one.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/data/form.h"
#include "scorefield/field/field.h"
#include "scorefield/learn/declaration.h"
#include "scorefield/process/schedule.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace scorefield {

/// The flags as typed.
struct ModelArguments {
  std::string model;
  std::map<std::string, std::string> declared;  // by the keys of declaration_keys(); "" where not typed
};

/// Adds --model and a flag for every key of a declaration. `process`: the name of that flag, as --process of a command
/// that samples is in whose time it steps.
CLI::Option* add_model_arguments(CLI::App& command, ModelArguments& arguments, const char* process = "--model-process");

/// What the JSON beside the model and the flags, which override it, say together.
Declaration read_declaration(const ModelArguments& arguments, const Context& context);

/// A network as a field, and what a run's record says of it.
struct OpenedModel {
  DataForm form;                        // of its rows
  SigmaRange range;                     // the noise levels that it has
  std::optional<Declaration> declared;  // of an imported one
  std::string digest;
  std::unique_ptr<const Field> field;
};

/// A TorchScript file, or the model.safetensors that `scorefield train` wrote. data: rows whose moments an imported
/// field is to have; null: the declaration's. Throws Error also where the data's rows have another shape than the
/// model's, or other units than those that it was trained with.
OpenedModel open_model(const ModelArguments& arguments, const Dataset* data, const Context& context);

/// What a --model says: a run folder of train stands for the model in it.
std::string model_path(const std::string& typed);
/// A line to stderr where `data` are not those that the model was trained on, as far as it says.
void note_other_data(const std::string& path, const DataForm& trained, const Dataset& data);

/// Noise levels whose ends were not typed (--sigma-min, --sigma-max of `command`) end where the model's do; null, of no
/// model: as they are. Throws Error for a typed end outside.
ScheduleOptions fitted_to(ScheduleOptions schedule, const CLI::App& command, const std::optional<SigmaRange>& range);
/// Puts the ends into the options of a run's record, so that they stand there as they were.
void put_fitted(const ScheduleOptions& schedule, nlohmann::json& config);

/// Of the rows of an imported model.
DataForm form_of(const ModelArguments& arguments, const Declaration& declaration);

/// Stands for the data of a model that is used without: rows of its form, black, one a class. Throws Error for memory
/// over the limit.
Dataset rows_like(const DataForm& form, const Context& context);

}  // namespace scorefield

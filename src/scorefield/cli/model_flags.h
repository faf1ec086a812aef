// The flags that name an imported network and declare what it is: of every command that takes one.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/field/field.h"
#include "scorefield/learn/declaration.h"

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

/// An imported model with its field, and what a run's record says of it.
struct OpenedModel {
  Declaration declaration;
  std::string digest;
  std::unique_ptr<const Field> field;
};

/// data: rows whose moments the field is to have; null: the declaration's. Throws Error also where rows of the model
/// have another shape than the data's.
OpenedModel open_model(const ModelArguments& arguments, const Dataset* data, const Context& context);

/// Stands for the data of a model that is used without: rows of its shape, black, one a class.
Dataset rows_like(const Declaration& declaration);

}  // namespace scorefield

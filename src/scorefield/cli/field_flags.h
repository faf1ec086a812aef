// The flags that choose the field a command works with, and that field: of every command that asks one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/field/field.h"

namespace CLI {
class App;
}  // namespace CLI

namespace scorefield {

/// The flags as typed.
struct FieldArguments {
  std::string label = "-1";  // a number, or a name that the data give one
  bool precise = false;
};

/// Adds --label (--class) and --precise.
void add_field_arguments(CLI::App& command, FieldArguments& arguments);

/// A field with the fields that it is combined of, and the label under which it is asked.
class ChosenField {
 public:
  explicit ChosenField(std::unique_ptr<const Field> field) { put(std::move(field)); }

  /// The last that was put in.
  const Field& field() const { return *parts_.back(); }
  /// -1: unconditional.
  int label() const { return label_; }

  /// A field that may refer to those before it: they do not move.
  const Field& put(std::unique_ptr<const Field> field) {
    parts_.push_back(std::move(field));
    return *parts_.back();
  }
  void set_label(int label) { label_ = label; }

 private:
  std::vector<std::unique_ptr<const Field>> parts_;
  int label_ = -1;
};

/// Throws Error for flags that do not go together, or with the data.
ChosenField choose_field(const FieldArguments& arguments, const Dataset& data, const Context& context);

/// The number of a class that `flag` names by its number, or by the name that the data give it; -1 is none.
/// Throws Error when the data have no such class (with near names).
int class_number(std::string_view flag, const std::string& text, const Dataset& data);

}  // namespace scorefield

#include "scorefield/cli/field_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/field/empirical.h"

namespace scorefield {

void add_field_arguments(CLI::App& command, FieldArguments& arguments) {
  const char* const group = "Field";
  command.add_option("--label,--class", arguments.label, "Condition on this class: its number or its name (-1: none)")
      ->capture_default_str()
      ->group(group);
  command.add_flag("--precise", arguments.precise, "The field in double precision (1e-12), slower")->group(group);
}

int class_number(std::string_view flag, const std::string& text, const Dataset& data) {
  int label = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (failure == std::errc() && rest == text.data() + text.size() && label >= -1) {
    if (label < static_cast<int>(data.classes())) return label;
    throw Error(data.classes() == 0 ? fmt::format("{} {}: {} has no labels", flag, text, data.name())
                                    : fmt::format("{} {}: the labels of {} go from 0 to {}", flag, text, data.name(),
                                                  data.classes() - 1));
  }
  const std::vector<std::string>& names = data.label_names();
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<int>(found - names.begin());
  if (!names.empty()) throw Error(fmt::format("{}: {}", flag, unknown_name("class", text, names)));
  throw Error(fmt::format("{} {}: not a number, and the classes of {} have no names", flag, text, data.name()));
}

ChosenField choose_field(const FieldArguments& arguments, const Dataset& data, const Context& context) {
  const int label = class_number("--label", arguments.label, data);
  ChosenField chosen(std::make_unique<Empirical>(
      data, EmpiricalOptions{.precision = arguments.precise ? Precision::kPrecise : Precision::kFast, .weights = {}},
      context));
  chosen.set_label(label);
  return chosen;
}

}  // namespace scorefield

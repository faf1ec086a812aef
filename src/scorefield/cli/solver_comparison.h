// scorefield solvers --data or --model: solvers held against the probability flow of a field.
#pragma once

#include <memory>

#include "scorefield/cli/command.h"

namespace scorefield {

struct ComparisonArguments;

/// Adds --data, --model and everything that a comparison can be told; `run`: where the flags about the run go.
std::shared_ptr<ComparisonArguments> add_comparison_arguments(CLI::App& command, RunArguments& run);
/// Whether --data or --model was given. Throws Error when neither was, but another flag of a comparison was.
bool wants_comparison(const CLI::App& command);
void run_comparison(const CLI::App& command, const ComparisonArguments& arguments, const RunArguments& run);

}  // namespace scorefield

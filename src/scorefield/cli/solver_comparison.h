// scorefield solvers --data: solvers held against the probability flow of a data set.
#pragma once

#include <memory>

namespace CLI {
class App;
}  // namespace CLI

namespace scorefield {

struct ComparisonArguments;

/// Adds --data and everything that a comparison can be told.
std::shared_ptr<ComparisonArguments> add_comparison_arguments(CLI::App& command);
/// Whether --data was given. Throws Error when it was not, but another flag of a comparison was.
bool wants_comparison(const CLI::App& command);
void run_comparison(const CLI::App& command, const ComparisonArguments& arguments, bool json);

}  // namespace scorefield

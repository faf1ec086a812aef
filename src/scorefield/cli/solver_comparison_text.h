// A comparison of solvers as people read it.
#pragma once

#include <string>
#include <vector>

#include "scorefield/search/work_precision_run.h"

namespace scorefield {

/// Tables of the mean end-point errors, of the runs that no other one beats, and what the numbers mean.
std::string comparison_text(const SolverComparison& comparison, const SolverReport& report,
                            const std::vector<std::size_t>& budgets);

}  // namespace scorefield

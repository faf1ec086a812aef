// Pictures of a comparison of solvers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scorefield/search/work_precision_run.h"

namespace scorefield {

/// error            mean end-point error against evaluations, a panel a schedule, a line a solver
/// other_row        share of the samples that end at another training row than the flow, likewise
/// sliced_wasserstein  distance to the data, with that of data rows
/// front            all runs, and those that no other one beats: against evaluations and against time
/// each as NAME.png, NAME.svg and NAME.csv in `folder`; the first two, and the front, where there is an ODE solver, the
/// second and the third where there are data. The names that were written.
std::vector<std::string> write_solver_figures(const SolverReport& report, const std::filesystem::path& folder);

}  // namespace scorefield

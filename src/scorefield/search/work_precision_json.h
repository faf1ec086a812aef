// Results of a comparison of solvers as JSON, there and back, and as CSV.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scorefield/search/work_precision_run.h"

namespace scorefield {

nlohmann::json result_json(const SolverResult& result);
/// `run` is the one that the line is of. Throws Error where it is none.
SolverResult result_from_json(const nlohmann::json& line, const SolverRun& run);
/// Whether a line of stats.jsonl is that of a run.
bool is_line_of(const nlohmann::json& line, const SolverRun& run);

nlohmann::json report_json(const SolverComparison& comparison, const SolverReport& report);

/// One line a result; cells of what a result has not are empty.
std::string results_csv(const std::vector<SolverResult>& results);

}  // namespace scorefield

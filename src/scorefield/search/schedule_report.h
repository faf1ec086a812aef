// What a schedule search leaves in its run folder.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "scorefield/run/figure.h"
#include "scorefield/search/schedule_search.h"

namespace scorefield {

/// Everything but the cost matrix: a schedule's levels, steps, evaluations and errors, for every budget.
nlohmann::json search_json(const ScheduleProblem& problem, const ScheduleSearch& search);

/// The cheapest paths over the cost matrix; error against evaluations; the levels that are returned.
Figure cost_figure(const ScheduleSearch& search);
Figure error_figure(const ScheduleSearch& search);
Figure level_figure(const ScheduleSearch& search);

/// schedules.json, schedules.txt (every returned schedule in every spelling), sigmas-NFE.txt (the levels with commas),
/// costs.npz (sigma [n], cost [n, n], data units), and the figures costs, errors and levels.
void write_search(const ScheduleProblem& problem, const ScheduleSearch& search, const std::filesystem::path& folder);

}  // namespace scorefield

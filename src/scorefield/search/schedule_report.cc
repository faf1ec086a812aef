#include "scorefield/search/schedule_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "scorefield/base/file.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/run/run_folder.h"
#include "scorefield/search/schedule_spellings.h"

namespace scorefield {
namespace {

nlohmann::json trial_json(const ScheduleTrial& trial) {
  return {{"name", trial.name},
          {"sigmas", trial.levels},
          {"training_score", trial.training_score},
          {"held_out_error", trial.held_out}};
}

std::size_t levels_above_zero(const ScheduleTrial& trial) {
  return trial.levels.size() - (trial.levels.back() == 0 ? 1 : 0);
}

nlohmann::json budget_json(const ScheduleSearch& search, const BudgetSchedules& budget, bool analytical_first_step) {
  nlohmann::json fixed = nlohmann::json::array();
  for (const ScheduleTrial& trial : budget.fixed) fixed.push_back(trial_json(trial));
  nlohmann::json spellings;
  for (const ScheduleSpelling& spelling : schedule_spellings(budget.returned().levels, analytical_first_step)) {
    spellings[spelling.system] = spelling.text;
  }
  return {{"nfe", budget.nfe},
          {"steps", budget.steps},
          {"levels_above_zero", levels_above_zero(budget.own)},
          {"fixed", std::move(fixed)},
          {"gits", trial_json(budget.gits)},
          {"own_error", trial_json(budget.own)},
          {"best_fixed", budget.fixed[budget.best_fixed].name},
          {"own_gain", budget.own_gain},
          {"gits_gain", budget.gits_gain},
          {"schedules_tried", budget.trials},
          {"returned", budget.returned().name},
          {"returned_is_fixed", budget.fixed_is_better},
          {"settled", search.is_settled(budget)},
          {"spellings", std::move(spellings)}};
}

Series path_series(const ScheduleSearch& search, std::size_t steps) {
  Series series;
  series.name = fmt::format("{} steps", steps);
  series.mark = Mark::kLinePoints;
  const std::vector<std::size_t>& path = search.paths[steps - 1];
  for (std::size_t m = 0; m + 1 < path.size(); ++m) {
    series.x.push_back(static_cast<double>(path[m + 1]));
    series.y.push_back(static_cast<double>(path[m]));
  }
  return series;
}

/// Error of one schedule of every budget.
Series error_series(const ScheduleSearch& search, const std::string& name,
                    const std::function<const ScheduleTrial&(const BudgetSchedules&)>& trial_of) {
  Series series;
  series.name = name;
  series.mark = Mark::kLinePoints;
  for (const BudgetSchedules& budget : search.budgets) {
    const ScheduleTrial& trial = trial_of(budget);
    series.x.push_back(static_cast<double>(budget.nfe));
    series.y.push_back(trial.held_out.value);
    series.error.push_back(trial.held_out.standard_error);
  }
  return series;
}

std::string spelled_text(const ScheduleSearch& search, bool analytical_first_step) {
  std::string text;
  for (const BudgetSchedules& budget : search.budgets) {
    const ScheduleTrial& trial = budget.returned();
    text += fmt::format("# {} evaluations: {} steps, {} noise levels above 0 ({})\n", budget.nfe, budget.steps,
                        levels_above_zero(trial), trial.name);
    for (const ScheduleSpelling& spelling : schedule_spellings(trial.levels, analytical_first_step)) {
      text += fmt::format("# {}: {}\n{}\n", spelling.system, spelling.note, spelling.text);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

nlohmann::json search_json(const ScheduleProblem& problem, const ScheduleSearch& search) {
  nlohmann::json budgets = nlohmann::json::array();
  for (const BudgetSchedules& budget : search.budgets) {
    budgets.push_back(budget_json(search, budget, problem.sampling.analytical_first_step));
  }
  return {
      {"solver", problem.sampling.sampler.name},
      {"end", problem.end_at_zero ? "zero" : "sigma-min"},
      {"analytical_first_step", problem.sampling.analytical_first_step},
      {"complete", search.complete},
      {"exact_end_points",
       {{"training_uncertainty", search.training_uncertainty}, {"held_out_uncertainty", search.held_out_uncertainty}}},
      {"own_gain", search.own_gain},
      {"gits_gain", search.gits_gain},
      {"budgets", std::move(budgets)}};
}

Figure cost_figure(const ScheduleSearch& search) {
  const std::size_t n = search.costs.levels.size();
  HeatMap heat;
  heat.rows = heat.cols = n;
  heat.x_low = heat.y_low = -0.5;
  heat.x_high = heat.y_high = static_cast<double>(n) - 0.5;
  heat.color.label = "cost [data units]";
  heat.color.scale = Scale::kLog;
  // Blank what no path avoids: where the teacher itself takes an Euler step, only rounding is left.
  const double shown_from = 1e-6 * *std::ranges::max_element(search.costs.values);
  for (const double cost : search.costs.values) heat.values.push_back(cost > shown_from ? cost : NAN);
  Panel panel;
  const double first = search.costs.levels.front();
  const double last = search.costs.levels.back();
  panel.x.label = fmt::format("to level j of the grid (0: σ = {:g}, {}: σ = {:g})", first, n - 1, last);
  panel.y.label = "from level i";
  panel.x.low = panel.y.low = -0.5;
  panel.x.high = panel.y.high = static_cast<double>(n) - 0.5;
  std::vector<std::size_t> drawn = {search.budgets.front().steps, search.budgets[search.budgets.size() / 2].steps,
                                    search.budgets.back().steps};
  drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
  for (const std::size_t steps : drawn) panel.series.push_back(path_series(search, steps));
  panel.heat.push_back(std::move(heat));
  Figure figure;
  figure.title = "Cost of one Euler step, and the cheapest paths";
  figure.panel_width = 640;
  figure.panel_height = 520;
  figure.panels.push_back(std::move(panel));
  return figure;
}

Figure error_figure(const ScheduleSearch& search) {
  Panel panel;
  panel.x = {.label = "evaluations of the field"};
  panel.y = {.label = "end-point error, L2 [data units]", .scale = Scale::kLog};
  for (std::size_t f = 0; f < search.budgets.front().fixed.size(); ++f) {
    panel.series.push_back(error_series(search, search.budgets.front().fixed[f].name,
                                        [f](const BudgetSchedules& b) -> const ScheduleTrial& { return b.fixed[f]; }));
    panel.series.back().dashed = true;
  }
  panel.series.push_back(
      error_series(search, "gits", [](const BudgetSchedules& b) -> const ScheduleTrial& { return b.gits; }));
  panel.series.push_back(
      error_series(search, "own-error", [](const BudgetSchedules& b) -> const ScheduleTrial& { return b.own; }));
  Figure figure;
  figure.title = "Mean error on held-out noise, one standard error";
  figure.panels.push_back(std::move(panel));
  return figure;
}

Figure level_figure(const ScheduleSearch& search) {
  Panel panel;
  panel.x = {.label = "noise level σ [data units]", .scale = Scale::kLog, .reversed = true};
  panel.y = {.label = "evaluations of the field"};
  for (const bool is_found : {true, false}) {
    Series series;
    series.name = is_found ? "found" : "fixed, where nothing was better";
    series.mark = Mark::kPoints;
    for (const BudgetSchedules& budget : search.budgets) {
      if (budget.fixed_is_better == is_found) continue;
      for (const double sigma : budget.returned().levels) {
        series.x.push_back(sigma);
        series.y.push_back(static_cast<double>(budget.nfe));
      }
    }
    if (!series.x.empty()) panel.series.push_back(std::move(series));
  }
  Figure figure;
  figure.title = "Noise levels of the returned schedules";
  figure.panels.push_back(std::move(panel));
  return figure;
}

void write_search(const ScheduleProblem& problem, const ScheduleSearch& search, const std::filesystem::path& folder) {
  for (const BudgetSchedules& budget : search.budgets) {
    write_file_atomically(folder / fmt::format("sigmas-{}.txt", budget.nfe),
                          fmt::format("{}\n", fmt::join(budget.returned().levels, ",")));
  }
  write_file_atomically(folder / "schedules.txt", spelled_text(search, problem.sampling.analytical_first_step));
  const std::size_t n = search.costs.levels.size();
  NpzWriter writer(folder / "costs.npz");
  writer.add_array<double>("sigma", std::vector<std::size_t>{n}, search.costs.levels);
  writer.add_array<double>("cost", std::vector<std::size_t>{n, n}, search.costs.values);
  writer.finish();
  write_figure(cost_figure(search), folder / "costs");
  write_figure(error_figure(search), folder / "errors");
  write_figure(level_figure(search), folder / "levels");
  write_json(folder / "schedules.json", search_json(problem, search));
}

}  // namespace scorefield

#include "scorefield/search/work_precision_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "scorefield/run/figure.h"

namespace scorefield {
namespace {

constexpr int kColors = 10;
constexpr const char* kErrorLabel = "mean error [data units], 0 at the bottom";
using Measure = std::function<std::optional<std::pair<double, double>>(const SolverResult&)>;  // value, error

std::vector<std::string> names(const SolverReport& report, std::string SolverRun::*part) {
  std::vector<std::string> found;
  for (const SolverResult& result : report.results) {
    if (std::ranges::find(found, result.run.*part) == found.end()) found.push_back(result.run.*part);
  }
  return found;
}

/// The solvers in an order that does not depend on which run was finished first.
std::vector<std::string> solver_names(const SolverReport& report) {
  std::vector<std::string> found = names(report, &SolverRun::solver);
  std::ranges::sort(found);
  return found;
}

/// The bottom of a log axis for mean errors, where those are drawn that are 0 or below a hundredth of all others: a run
/// whose samples all end at the flow's rows. In between there is nothing to see.
double bottom_of(const SolverReport& report) {
  constexpr double kGap = 100;
  std::vector<double> errors;
  for (const SolverResult& result : report.results) {
    if (result.errors && result.errors->error.value > 0) errors.push_back(result.errors->error.value);
  }
  std::ranges::sort(errors, std::greater());
  double least = errors.empty() ? 1 : errors.front();
  for (const double error : errors) {
    if (error * kGap < least) break;
    least = error;
  }
  return least / 2;
}

/// More solvers than colours: the next ten are dashed.
void style(Series& series, std::size_t place) {
  series.color = static_cast<int>(place) % kColors;
  series.dashed = static_cast<int>(place) >= kColors;
}

Figure curves(const SolverReport& report, const std::string& title, const Axis& y, const Measure& measure) {
  Figure figure;
  figure.title = title;
  const std::vector<std::string> solvers = solver_names(report);
  for (const std::string& schedule : names(report, &SolverRun::schedule)) {
    Panel panel;
    panel.title = schedule;
    panel.x = {.label = "evaluations of the field", .scale = Scale::kLog};
    panel.y = y;
    for (std::size_t s = 0; s < solvers.size(); ++s) {
      Series line;
      line.name = solvers[s];
      line.mark = Mark::kLinePoints;
      style(line, s);
      for (const SolverResult& result : report.results) {
        if (result.run.solver != solvers[s] || result.run.schedule != schedule) continue;
        const auto value = measure(result);
        if (!value) continue;
        line.x.push_back(static_cast<double>(result.run.evaluations));
        line.y.push_back(value->first);
        line.error.push_back(std::isfinite(value->second) ? value->second : 0);
      }
      if (!line.x.empty()) panel.series.push_back(std::move(line));
    }
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

Panel front_panel(const SolverReport& report, const std::string& label,
                  const std::function<double(const SolverResult&)>& cost) {
  Panel panel;
  panel.x = {.label = label, .scale = Scale::kLog};
  const double bottom = bottom_of(report);
  panel.y = {.label = kErrorLabel, .scale = Scale::kLog, .low = bottom};
  const std::vector<std::string> solvers = solver_names(report);
  std::vector<const SolverResult*> shown;
  for (const SolverResult& result : report.results) {
    if (result.errors) shown.push_back(&result);
  }
  std::vector<double> costs;
  std::vector<double> errors;
  for (const SolverResult* result : shown) {
    costs.push_back(cost(*result));
    errors.push_back(result->errors->error.value);
  }
  Series front;
  front.name = "front";
  front.color = -1;
  for (const std::size_t i : pareto_front(costs, errors)) {
    front.x.push_back(costs[i]);
    front.y.push_back(std::max(errors[i], bottom));
  }
  for (std::size_t s = 0; s < solvers.size(); ++s) {
    Series points;
    points.name = solvers[s];
    points.mark = Mark::kPoints;
    style(points, s);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if (shown[i]->run.solver != solvers[s]) continue;
      points.x.push_back(costs[i]);
      points.y.push_back(std::max(errors[i], bottom));
    }
    if (!points.x.empty()) panel.series.push_back(std::move(points));
  }
  front.color = static_cast<int>(solvers.size()) % kColors;
  panel.series.push_back(std::move(front));
  return panel;
}

Figure other_row_figure(const SolverReport& report) {
  return curves(report, "Samples that end at another training row than the flow",
                {.label = "share of the samples", .low = 0, .high = 1},
                [](const SolverResult& r) -> std::optional<std::pair<double, double>> {
                  if (!r.errors || !r.errors->other_row) return std::nullopt;
                  return std::pair(r.errors->other_row->value, 0.0);
                });
}

Figure sliced_figure(const SolverReport& report, double of_data) {
  Figure sliced = curves(report, "Sliced Wasserstein distance to the data",
                         {.label = "sliced W₂ [data units]", .scale = Scale::kLog},
                         [](const SolverResult& r) -> std::optional<std::pair<double, double>> {
                           if (!r.distance) return std::nullopt;
                           return std::pair(r.distance->value, r.distance->standard_error);
                         });
  for (Panel& panel : sliced.panels) panel.horizontal.push_back({of_data, "data rows"});
  return sliced;
}

}  // namespace

std::vector<std::string> write_solver_figures(const SolverReport& report, const std::filesystem::path& folder) {
  std::vector<std::string> written;
  const auto write = [&](const char* name, const Figure& figure) {
    write_figure(figure, folder / name);
    written.push_back(std::string(name) + ".png");
  };
  const bool has_ode = std::ranges::any_of(report.results, [](const SolverResult& r) { return r.errors.has_value(); });
  if (has_ode) {
    const double bottom = bottom_of(report);
    write("error", curves(report, "How far solvers end from the probability flow",
                          {.label = kErrorLabel, .scale = Scale::kLog, .low = bottom},
                          [bottom](const SolverResult& r) -> std::optional<std::pair<double, double>> {
                            if (!r.errors) return std::nullopt;
                            return std::pair(std::max(r.errors->error.value, bottom), r.errors->error.standard_error);
                          }));
  }
  if (const auto& of_data = report.reference.data_distance) {
    if (has_ode) write("other_row", other_row_figure(report));
    write("sliced_wasserstein", sliced_figure(report, of_data->value));
  }
  if (has_ode) {
    Figure front;
    front.title = "Cost and accuracy of all runs";
    front.panels = {front_panel(report, "evaluations of the field",
                                [](const SolverResult& r) { return static_cast<double>(r.run.evaluations); }),
                    front_panel(report, "time [s]", [](const SolverResult& r) { return r.seconds; })};
    write("front", front);
  }
  return written;
}

}  // namespace scorefield

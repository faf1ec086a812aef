#include "scorefield/audit/deviation_figures.h"

#include <string>
#include <utility>

namespace scorefield {
namespace {

Panel empty_panel(std::string title) {
  return {.title = std::move(title),
          .x = {.label = "noise level σ [data units]", .scale = Scale::kLog, .reversed = true},
          .y = {.label = "mean distance [data units]", .low = 0}};
}

template <class Level>
Series series_of(std::string name, std::span<const Level> levels, Estimate Level::*distance) {
  Series series;
  series.name = std::move(name);
  series.mark = Mark::kLinePoints;
  for (const Level& level : levels) {
    series.x.push_back(level.sigma);
    series.y.push_back((level.*distance).value);
    series.error.push_back((level.*distance).standard_error);
  }
  return series;
}

}  // namespace

Figure noised_deviation_figure(std::span<const NoisedDeviation> levels) {
  Panel panel = empty_panel("Model and exact field on data with noise on them");
  panel.series = {series_of("model to exact, |D − D*|", levels, &NoisedDeviation::apart),
                  series_of("model to data, |D − x₀|", levels, &NoisedDeviation::model_error),
                  series_of("exact to data, |D* − x₀|", levels, &NoisedDeviation::exact_error)};
  return {.panels = {std::move(panel)}};
}

Figure trajectory_deviation_figure(std::span<const TrajectoryDeviation> levels) {
  Figure figure;
  figure.title = "A run in the model (x, D) and one in the exact field (x*, D*), from the same noise";
  figure.columns = 2;
  const std::pair<const char*, Estimate TrajectoryDeviation::*> panels[] = {
      {"States: |x − x*|", &TrajectoryDeviation::states},
      {"Denoised: |D(x) − D*(x*)|", &TrajectoryDeviation::denoised},
      {"On the model's trajectory: |D(x) − D*(x)|", &TrajectoryDeviation::on_model},
      {"On the exact trajectory: |D(x*) − D*(x*)|", &TrajectoryDeviation::on_exact}};
  for (const auto& [title, distance] : panels) {
    Panel panel = empty_panel(title);
    panel.series = {series_of("", levels, distance)};
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace scorefield

#include "scorefield/metrics/sample_metrics_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/run/figure.h"

namespace scorefield {
namespace {

/// 95 % of a normal estimate.
constexpr double kInterval = 1.96;
constexpr std::size_t kBins = 60;

Panel metric_panel(const std::string& title, const std::vector<std::string>& labels,
                   const std::vector<Estimate>& estimates) {
  Panel panel;
  panel.title = title;
  panel.categories = labels;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    Series series;
    series.x = {static_cast<double>(i)};
    series.y = {estimates[i].value};
    series.error = {kInterval * estimates[i].standard_error};
    series.mark = Mark::kPoints;
    series.color = static_cast<int>(i);
    panel.series.push_back(std::move(series));
  }
  // Room left and right of the names, and so that one value alone does not stand on an edge.
  panel.x.low = -0.5;
  panel.x.high = static_cast<double>(labels.size()) - 0.5;
  return panel;
}

/// Shares of the rows in equal bins.
Series histogram(const std::string& name, const std::vector<double>& sorted, double high) {
  Series series;
  series.name = name;
  std::vector<double> counts(kBins);
  for (const double v : sorted) {
    counts[std::min(kBins - 1, static_cast<std::size_t>(v / high * static_cast<double>(kBins)))] += 1;
  }
  for (std::size_t b = 0; b < kBins; ++b) {
    series.x.push_back((static_cast<double>(b) + 0.5) * high / static_cast<double>(kBins));
    series.y.push_back(counts[b] / static_cast<double>(sorted.size()));
  }
  return series;
}

}  // namespace

std::vector<std::string> set_labels(const SampleMetrics& metrics) {
  std::vector<std::string> labels = {"samples", metrics.held_out ? "held out" : "other data"};
  if (metrics.baseline) labels.emplace_back("Gaussian");
  return labels;
}

std::vector<std::string> write_sample_metrics_figures(const SampleMetrics& metrics,
                                                      const std::filesystem::path& folder) {
  const std::vector<std::string> labels = set_labels(metrics);
  const std::vector<const SetMetrics*> sets = metrics.sets();
  Figure figure;
  figure.title =
      fmt::format("{} rows a set, features {}, k = {}; bars: 95 %", metrics.rows, metrics.features, metrics.k);
  figure.panel_width = 330;
  figure.panel_height = 260;
  figure.columns = 3;
  for (const MetricEntry& entry : metric_entries()) {
    std::vector<Estimate> estimates;
    for (const SetMetrics* set : sets) estimates.push_back(entry.of(*set));
    figure.panels.push_back(metric_panel(fmt::format("{} (best: {})", entry.name, entry.best), labels, estimates));
  }
  write_figure(figure, folder / "metrics");

  Panel panel;
  panel.x.label = "distance to the nearest row of the data [units of the features]";
  panel.y.label = "share of rows";
  double high = 0;
  for (const SetMetrics* set : sets) high = std::max(high, set->nearest.back());
  if (high <= 0) high = 1;  // copies all of them
  for (std::size_t i = 0; i < sets.size(); ++i) {
    panel.series.push_back(histogram(labels[i], sets[i]->nearest, high));
  }
  Figure nearest;
  nearest.panels.push_back(std::move(panel));
  write_figure(nearest, folder / "nearest");
  return {"metrics.png", "nearest.png"};
}

}  // namespace scorefield

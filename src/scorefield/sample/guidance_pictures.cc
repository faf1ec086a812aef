#include "scorefield/sample/guidance_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "scorefield/data/image_grid.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/data/png.h"
#include "scorefield/run/run_folder.h"
#include "scorefield/sample/sampling_pictures.h"

namespace scorefield {
namespace {

constexpr std::size_t kStripImages = 16;
constexpr std::size_t kScatterPoints = 2000;

using nlohmann::json;

json result_json(const GuidanceResult& result) {
  json line = {{"scale", result.scale},
               {"pure",
                {{"count", result.pure.count},
                 {"of", result.pure.total},
                 {"value", result.pure.value},
                 {"low95", result.pure.low},
                 {"high95", result.pure.high}}},
               {"spread", result.spread},
               {"modes", result.modes},
               {"tilted_variation", nullptr},
               {"exact_samples_variation", nullptr}};
  if (!result.samples_of_mode.empty()) line["samples_of_mode"] = result.samples_of_mode;
  if (result.tilted) {
    line["tilted_variation"] = *result.tilted;
    line["exact_samples_variation"] = {{"mean", result.exact_tilted.mean},
                                       {"deviation", result.exact_tilted.deviation}};
  }
  return line;
}

Panel curve(const GuidanceReport& report, const std::string& title, const std::string& label,
            const std::function<Estimate(const GuidanceResult&)>& value) {
  Series line;
  line.mark = Mark::kLinePoints;
  for (const GuidanceResult& result : report.results) {
    const Estimate estimate = value(result);
    line.x.push_back(result.scale);
    line.y.push_back(estimate.value);
    line.error.push_back(estimate.standard_error);
  }
  Panel panel;
  panel.title = title;
  panel.x.label = "guidance scale g";
  panel.y = {.label = label, .low = 0};
  panel.series.push_back(std::move(line));
  return panel;
}

Panel variation_panel(const GuidanceReport& report) {
  Panel panel = curve(report, "Distance to p(x) p(y|x)^g", "total variation", [](const GuidanceResult& result) {
    return result.tilted.value_or(Estimate{std::nan(""), std::nan("")});
  });
  panel.series[0].name = "guided samples";
  Series exact;
  exact.name = "as many exact samples (± 2 deviations)";
  exact.mark = Mark::kLinePoints;
  for (const GuidanceResult& result : report.results) {
    if (!result.tilted) continue;
    exact.x.push_back(result.scale);
    exact.y.push_back(result.exact_tilted.mean);
    exact.band_low.push_back(result.exact_tilted.mean - 2 * result.exact_tilted.deviation);
    exact.band_high.push_back(result.exact_tilted.mean + 2 * result.exact_tilted.deviation);
  }
  panel.series.push_back(std::move(exact));
  return panel;
}

void write_strip(const GuidanceSweep& sweep, const GuidanceReport& report, const std::filesystem::path& path) {
  const auto& shape = sweep.data.shape();
  const std::size_t columns = std::min(kStripImages, sweep.seeds.size());
  std::vector<Image> images;
  for (const GuidanceResult& result : report.results) {
    for (std::size_t i = 0; i < columns; ++i) {
      images.push_back(image_from_row(result.samples[i], shape, image_units(sweep.data)));
    }
  }
  write_png(path, image_grid(images, columns, visible_scale(shape[1], shape[2]), 2));
}

void write_samples(const GuidanceSweep& sweep, const GuidanceReport& report, const std::filesystem::path& path) {
  NpzWriter npz(path);
  const std::size_t scales = report.results.size();
  const std::size_t n = sweep.seeds.size();
  npz.begin_array("x", ScalarType::kF64, std::vector<std::size_t>{scales, n, sweep.data.dimension()});
  std::vector<double> scale;
  for (const GuidanceResult& result : report.results) {
    npz.append(result.samples.values());
    scale.push_back(result.scale);
  }
  npz.add_array<double>("scale", std::vector<std::size_t>{scales}, scale);
  npz.add_array<std::uint64_t>("seeds", std::vector<std::size_t>{n}, sweep.seeds);
  npz.finish();
}

}  // namespace

json guidance_json(const GuidanceReport& report) {
  json results = json::array();
  for (const GuidanceResult& result : report.results) results.push_back(result_json(result));
  const GuidanceReference& reference = report.reference;
  json own = {{"spread", reference.spread},
              {"modes", reference.mode_count},
              {"modes_hit", {{"mean", reference.modes_hit.value}, {"deviation", reference.modes_hit.standard_error}}}};
  if (!reference.modes.empty()) own["components"] = reference.modes;
  return {{"class", own}, {"scales", results}};
}

Figure guidance_curves(const GuidanceReport& report) {
  Figure figure;
  figure.columns = 2;
  figure.panels.push_back(curve(report, "Purity", "share of samples of the class", [](const GuidanceResult& result) {
    const double p = result.pure.value;
    return Estimate{p, std::sqrt(p * (1 - p) / static_cast<double>(result.pure.total))};
  }));
  figure.panels.push_back(curve(report, "Diversity", "trace of the covariance [data units²]",
                                [](const GuidanceResult& result) { return result.spread; }));
  figure.panels.back().horizontal = {{report.reference.spread, "the class"}};
  const bool is_law = !report.reference.modes.empty();
  figure.panels.push_back(curve(report, is_law ? "Components of the class with a sample" : "Training rows of the class",
                                is_law ? "components hit" : "different rows hit",
                                [](const GuidanceResult& result) { return result.modes; }));
  figure.panels.back().horizontal = {{report.reference.modes_hit.value, "as many draws of the class"}};
  if (report.tilted) figure.panels.push_back(variation_panel(report));
  return figure;
}

Figure guidance_scatter(const GuidanceReport& report) {
  Figure figure;
  figure.columns = std::min<std::size_t>(3, report.results.size());
  figure.panel_height = 440;
  if (report.tilted) figure.title = "Guided samples over the density p(x) p(y|x)^g";
  for (const GuidanceResult& result : report.results) {
    Panel panel;
    panel.title = fmt::format("g = {:g}", result.scale);
    panel.x.label = "x1";
    panel.y.label = "x2";
    panel.equal_aspect = true;
    Series points;
    points.mark = Mark::kPoints;
    points.color = 1;
    for (std::size_t i = 0; i < std::min(kScatterPoints, result.samples.rows()); ++i) {
      points.x.push_back(result.samples(i, 0));
      points.y.push_back(result.samples(i, 1));
    }
    panel.series.push_back(std::move(points));
    if (result.tilted) {
      const PlaneGrid& grid = report.tilted->grid();
      const double cell = (grid.x_high - grid.x_low) * (grid.y_high - grid.y_low) / static_cast<double>(grid.cells());
      HeatMap heat{.rows = grid.side,
                   .cols = grid.side,
                   .values = report.tilted->masses(result.scale),
                   .x_low = grid.x_low,
                   .x_high = grid.x_high,
                   .y_low = grid.y_low,
                   .y_high = grid.y_high,
                   .color = {.label = "density"}};
      for (double& value : heat.values) value /= cell;
      panel.heat.push_back(std::move(heat));
    }
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

void write_guidance(const GuidanceSweep& sweep, const GuidanceReport& report, const std::filesystem::path& folder) {
  write_json(folder / "report.json", guidance_json(report));
  write_samples(sweep, report, folder / "samples.npz");
  write_figure(guidance_curves(report), folder / "curves");
  if (sweep.data.is_picture()) write_strip(sweep, report, folder / "strip.png");
  if (sweep.data.dimension() == 2) write_figure(guidance_scatter(report), folder / "samples");
}

}  // namespace scorefield

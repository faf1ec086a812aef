#include "scorefield/learn/training_pictures.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/data/image_grid.h"
#include "scorefield/data/png.h"
#include "scorefield/process/schedule.h"
#include "scorefield/run/figure.h"
#include "scorefield/run/json_lines.h"
#include "scorefield/sample/sample.h"
#include "scorefield/sample/sampling_pictures.h"

namespace scorefield {
namespace {

constexpr std::size_t kImages = 40;
constexpr std::size_t kColumns = 10;
constexpr std::size_t kPoints = 1000;
constexpr std::size_t kDataPoints = 5000;
constexpr int kSteps = 18;

/// Karras et al.'s levels for data of deviation 0.5, moved to this data and to where the network can be asked.
std::vector<double> levels_of(const Target& target) {
  const SigmaRange range = sigma_range(target);
  const double scale = target.sigma_data / 0.5;
  ScheduleOptions options;
  options.steps = kSteps;
  options.sigma_min = std::max(0.002 * scale, range.least);
  options.sigma_max = std::min(80 * scale, range.most);
  return noise_levels(options);
}

std::size_t samples_of(const Dataset& data) {
  return data.is_picture() ? kImages : kPoints;
}

}  // namespace

std::size_t grid_evaluations(const Dataset& data) {
  return (2 * kSteps - 1) * samples_of(data);
}

void write_samples_over_data(const Rows& samples, const Dataset& data, const std::filesystem::path& stem) {
  Series rows{.name = "data", .mark = Mark::kPoints};
  std::vector<double> point(2);
  for (std::size_t i = 0; i < std::min(data.size(), kDataPoints); ++i) {
    data.row(i, point);
    rows.x.push_back(point[0]);
    rows.y.push_back(point[1]);
  }
  Series drawn{.name = "samples", .mark = Mark::kPoints};
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    drawn.x.push_back(samples(i, 0));
    drawn.y.push_back(samples(i, 1));
  }
  Panel panel{.title = "Samples over the data", .x = {.label = "x1"}, .y = {.label = "x2"}};
  panel.series = {std::move(rows), std::move(drawn)};
  panel.equal_aspect = true;
  write_figure({.panels = {std::move(panel)}}, stem);
}

void write_sample_grid(const Denoiser& denoiser, const Dataset& data, const std::filesystem::path& stem,
                       const Context& context) {
  const std::unique_ptr<const Field> field = make_field(denoiser);
  std::vector<std::uint64_t> seeds(samples_of(data));
  std::iota(seeds.begin(), seeds.end(), std::uint64_t{0});
  std::vector<int> labels;
  if (denoiser.architecture.classes > 0) {
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      labels.push_back(static_cast<int>(i % kColumns % denoiser.architecture.classes));
    }
  }
  Context quiet = context;
  quiet.progress = nullptr;
  const Samples samples =
      sample({.field = *field, .sampler = find_sampler("heun"), .levels = levels_of(denoiser.target)}, seeds, labels,
             nullptr, quiet);
  if (!data.is_picture()) {
    write_samples_over_data(samples.x, data, stem);
    return;
  }
  std::vector<Image> images;
  for (std::size_t i = 0; i < samples.x.rows(); ++i) {
    images.push_back(image_from_row(samples.x[i], data.shape(), image_units(data)));
  }
  std::filesystem::path path = stem;
  path += ".png";
  write_png(path, image_grid(images, kColumns, visible_scale(data.shape()[1], data.shape()[2]), 2));
}

void write_loss_figure(const std::filesystem::path& stats, const std::string& label, const std::filesystem::path& stem,
                       const Context& context) {
  Series training{.name = "training"};
  Series fixed{.name = "training rows at fixed noise", .mark = Mark::kLinePoints};
  Series held_out{.name = "held out", .mark = Mark::kLinePoints};
  for (const nlohmann::json& line : read_json_lines(stats, context)) {
    const auto add = [&](Series& series, const char* key) {
      if (!line.contains(key) || !line[key].is_number()) return;
      series.x.push_back(line["rows"].get<double>());
      series.y.push_back(line[key].get<double>());
    };
    add(training, "loss");
    add(fixed, "fixed_loss");
    add(held_out, "held_out_loss");
  }
  if (training.x.empty()) return;
  Panel panel{.title = "Loss", .x = {.label = "training rows seen"}, .y = {.label = label}};
  panel.series = {std::move(training)};
  for (Series* const series : {&fixed, &held_out}) {
    if (!series->x.empty()) panel.series.push_back(std::move(*series));
  }
  write_figure({.panels = {std::move(panel)}}, stem);
}

}  // namespace scorefield

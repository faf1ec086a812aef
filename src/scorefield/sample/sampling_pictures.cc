#include "scorefield/sample/sampling_pictures.h"

#include <algorithm>
#include <cmath>

#include "scorefield/data/image_grid.h"
#include "scorefield/data/png.h"
#include "scorefield/run/figure.h"

namespace scorefield {
namespace {

constexpr std::size_t kGridImages = 100;
constexpr std::size_t kPairs = 64;
constexpr std::size_t kScatterPoints = 20000;

std::size_t square_columns(std::size_t count) {
  return static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(count))));
}

/// Two images of one size, the second below the first.
Image stacked(const Image& top, const Image& bottom) {
  Image both = top;
  both.height += bottom.height;
  both.pixels.insert(both.pixels.end(), bottom.pixels.begin(), bottom.pixels.end());
  return both;
}

void write_grids(const SamplingRun& run, const SampleRecords& records, const RunFolder& folder) {
  const auto& shape = run.form.shape;
  const std::size_t scale = visible_scale(shape[1], shape[2]);
  std::vector<Image> images;
  std::vector<Image> pairs;
  records.for_each([&](std::size_t i, const SampleRecord& record) {
    if (i >= kGridImages) return;
    images.push_back(image_from_row(record.x, shape, image_units(run.form)));
    if (run.data != nullptr && i < kPairs)
      pairs.push_back(stacked(images.back(), image_from_dataset(*run.data, record.row1)));
  });
  write_png(folder / "grid.png", image_grid(images, square_columns(images.size()), scale, 2));
  // Pairs are twice as high as wide: twice as many columns as a square of them would have make a square picture.
  if (run.data == nullptr) return;
  write_png(folder / "nearest.png", image_grid(pairs, std::min<std::size_t>(16, pairs.size()), scale, 2));
}

void write_paths(const SamplingRun& run, const SampleRecords& records, const RecordFile& paths,
                 const RunFolder& folder) {
  const auto& shape = run.form.shape;
  const Affine units = image_units(run.form);
  const std::size_t d = run.form.dimension();
  const std::vector<double> sigmas = observed_levels(run.sampling);
  const std::size_t levels = sigmas.size();
  const double data_variance = run.sampling.field.variance() / static_cast<double>(d);
  const auto mean = run.sampling.field.mean();

  std::vector<std::vector<Image>> rows;
  paths.read([&](std::span<const std::byte> bytes) {
    const std::span<const double> values(reinterpret_cast<const double*>(bytes.data()), bytes.size() / sizeof(double));
    for (std::size_t first = 0; first < values.size(); first += 2 * levels * d) {
      std::vector<Image> noisy;
      std::vector<Image> denoised;
      std::vector<double> shown(d);
      for (std::size_t s = 0; s < levels; ++s) {
        const auto x = values.subspan(first + 2 * s * d, d);
        const double sigma = sigmas[s];
        // Data stretched by noise is shown at the spread of the data; unit noise (sigma = inf) likewise.
        const double shrink =
            std::isinf(sigma) ? std::sqrt(data_variance) : std::sqrt(data_variance / (data_variance + sigma * sigma));
        for (std::size_t k = 0; k < d; ++k) {
          shown[k] = std::isinf(sigma) ? mean[k] + shrink * x[k] : mean[k] + shrink * (x[k] - mean[k]);
        }
        noisy.push_back(image_from_row(shown, shape, units));
        denoised.push_back(image_from_row(values.subspan(first + (2 * s + 1) * d, d), shape, units));
      }
      rows.push_back(std::move(noisy));
      rows.push_back(std::move(denoised));
    }
  });
  records.for_each([&](std::size_t i, const SampleRecord& record) {
    if (2 * i >= rows.size()) return;
    rows[2 * i].push_back(image_from_row(record.x, shape, units));
    rows[2 * i + 1].push_back(run.data != nullptr ? image_from_dataset(*run.data, record.row1) : rows[2 * i].back());
  });
  std::vector<Image> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  write_png(folder / "paths.png", image_grid(all, levels + 1, (visible_scale(shape[1], shape[2]) + 1) / 2, 2));
}

void write_scatter(const SamplingRun& run, const SampleRecords& records, const RunFolder& folder) {
  Series data{.name = "data", .mark = Mark::kPoints};
  std::vector<double> point(2);
  for (std::size_t i = 0; run.data != nullptr && i < std::min(run.data->size(), kScatterPoints); ++i) {
    run.data->row(i, point);
    data.x.push_back(point[0]);
    data.y.push_back(point[1]);
  }
  Series samples{.name = "samples", .mark = Mark::kPoints};
  records.for_each([&](std::size_t i, const SampleRecord& record) {
    if (i >= kScatterPoints) return;
    samples.x.push_back(record.x[0]);
    samples.y.push_back(record.x[1]);
  });
  Panel panel{
      .title = run.data != nullptr ? "Samples over the data" : "Samples", .x = {.label = "x1"}, .y = {.label = "x2"}};
  if (run.data != nullptr) panel.series.push_back(std::move(data));
  panel.series.push_back(std::move(samples));
  panel.equal_aspect = true;
  write_figure({.panels = {std::move(panel)}}, folder / "samples");
}

void write_sample_size_figure(const SamplingRun& run, const SamplingReport& report, const RunFolder& folder) {
  Series size{.mark = Mark::kLinePoints};
  for (const LevelSummary& level : report.levels) {
    if (std::isinf(level.sigma) || std::isnan(level.effective_sample_size)) continue;
    size.x.push_back(level.sigma);
    size.y.push_back(level.effective_sample_size);
    size.band_low.push_back(level.least_effective_sample_size);
    size.band_high.push_back(level.most_effective_sample_size);
  }
  if (size.x.empty()) return;
  Panel panel{.title = "Training rows the posterior weighs (mean and range of the samples)",
              .x = {.label = "noise level σ [data units]", .scale = Scale::kLog, .reversed = true},
              .y = {.label = "effective sample size 1/Σw² [rows]", .scale = Scale::kLog}};
  panel.series = {std::move(size)};
  panel.horizontal = {{1.0, "one row"}};
  if (run.data != nullptr) panel.horizontal.push_back({static_cast<double>(run.data->size()), "all rows"});
  write_figure({.panels = {std::move(panel)}}, folder / "effective_sample_size");
}

}  // namespace

Affine image_units(const Dataset& data) {
  return data.is_eight_bit() ? data.affine() : kImageUnits;
}

Affine image_units(const DataForm& form) {
  return form.eight_bit ? form.affine : kImageUnits;
}

void write_sampling_pictures(const SamplingRun& run, const SamplingReport& report, const SampleRecords& records,
                             const RecordFile& paths, const RunFolder& folder) {
  if (run.form.is_picture()) {
    write_grids(run, records, folder);
    write_paths(run, records, paths, folder);
  } else if (run.form.dimension() == 2) {
    write_scatter(run, records, folder);
  }
  write_sample_size_figure(run, report, folder);
}

}  // namespace scorefield

#include "scorefield/metrics/description_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "scorefield/base/subset.h"
#include "scorefield/data/image_grid.h"
#include "scorefield/data/png.h"
#include "scorefield/run/figure.h"

namespace scorefield {
namespace {

constexpr std::size_t kShownPairs = 10;
constexpr std::size_t kShownLabels = 20;
constexpr std::size_t kShownPoints = 4000;
constexpr std::size_t kNamedColors = 10;  // more labels than the palette has colours get no legend
constexpr std::size_t kShownCoordinates = 6;
constexpr std::size_t kGap = 2;  // pixels

// --- pictures of images ---

std::size_t image_height(const Dataset& data) {
  return data.shape()[1];
}
std::size_t image_width(const Dataset& data) {
  return data.shape()[2];
}

/// How many pictures stand beside each other: ten, fewer where they are large.
std::size_t columns_of(const Dataset& data) {
  constexpr std::size_t kWidth = 1600;
  const std::size_t width = image_width(data) * visible_scale(image_height(data), image_width(data)) + kGap;
  return std::clamp<std::size_t>(kWidth / width, 2, 10);
}

void write_grid(const Dataset& data, const std::vector<Image>& images, std::size_t columns,
                const std::filesystem::path& path) {
  write_png(path, image_grid(images, columns, visible_scale(image_height(data), image_width(data)), kGap));
}

/// Rows of `data` by label, ascending; all under one key where there are no labels.
std::map<std::int32_t, std::vector<std::size_t>> rows_by_label(const Dataset& data) {
  std::map<std::int32_t, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < data.size(); ++i) groups[data.labels().empty() ? 0 : data.labels()[i]].push_back(i);
  return groups;
}

void write_images(const Dataset& data, std::uint64_t seed, const std::filesystem::path& path) {
  const std::size_t columns = columns_of(data);
  const auto groups = rows_by_label(data);
  const std::size_t a_label = groups.size() == 1 ? columns * columns : columns;
  const std::size_t height = image_height(data);
  const std::size_t width = image_width(data);
  const Image blank{height, width, data.shape()[0], std::vector<std::uint8_t>(height * width * data.shape()[0], 255)};
  std::vector<Image> images;
  std::size_t labels = 0;
  for (const auto& [label, rows] : groups) {
    if (labels++ == kShownLabels) break;
    for (const std::size_t chosen : random_subset(seed, rows.size(), a_label)) {
      images.push_back(image_from_dataset(data, rows[chosen]));
    }
    while (groups.size() > 1 && images.size() % columns != 0) images.push_back(blank);
  }
  write_grid(data, images, std::min(columns, images.size()), path);
}

/// One column a pair.
using ImagePair = std::pair<Image, Image>;

void write_pairs(const Dataset& data, const std::vector<ImagePair>& pairs, const std::filesystem::path& path) {
  std::vector<Image> images;
  const std::size_t columns = std::min(columns_of(data), pairs.size());
  for (std::size_t c = 0; c < columns; ++c) images.push_back(pairs[c].first);
  for (std::size_t c = 0; c < columns; ++c) images.push_back(pairs[c].second);
  write_grid(data, images, columns, path);
}

ImagePair pair_of_rows(const Dataset& data, std::size_t a, std::size_t b) {
  return {image_from_dataset(data, a), image_from_dataset(data, b)};
}

// --- figures ---

struct Range {
  double low = 0.0;
  double high = 1.0;
};

/// Share of the values a bin, in percent, in equal bins of the range; values outside count in the total alone.
Series histogram(const std::string& name, const std::vector<double>& values, Range range, Mark mark) {
  const auto bins = std::clamp<std::size_t>(static_cast<std::size_t>(std::sqrt(values.size())), 8, 50);
  const double width = (range.high - range.low) / static_cast<double>(bins);
  Series series;
  series.name = name;
  series.mark = mark;
  for (std::size_t b = 0; b < bins; ++b) {
    series.x.push_back(range.low + (static_cast<double>(b) + 0.5) * width);
    series.y.push_back(0.0);
  }
  for (const double v : values) {
    if (!(v >= range.low && v <= range.high)) continue;
    const auto bin = static_cast<std::size_t>((v - range.low) / width);
    series.y[std::min(bin, bins - 1)] += 100.0 / static_cast<double>(values.size());
  }
  return series;
}

/// Share of the values at or below x, in percent, at equal steps from 0 to 1.
Series cumulative_share(const std::string& name, std::vector<double> values) {
  constexpr std::size_t kSteps = 200;
  std::sort(values.begin(), values.end());
  Series series;
  series.name = name;
  for (std::size_t k = 0; k <= kSteps; ++k) {
    const double x = static_cast<double>(k) / kSteps;
    const auto below = std::upper_bound(values.begin(), values.end(), x) - values.begin();
    series.x.push_back(x);
    series.y.push_back(100.0 * static_cast<double>(below) / static_cast<double>(values.size()));
  }
  return series;
}

void write_distances(const DataDescription& description, const std::filesystem::path& stem) {
  const auto& within = description.within;
  const auto& held_out = description.held_out;
  Range distances{0.0, 0.0};
  if (within) distances.high = within->d1.high;
  if (held_out) distances.high = std::max(distances.high, held_out->d1.high);
  if (distances.high == 0.0) distances.high = 1.0;
  Panel d1;
  d1.title = "Distance to the nearest training row";
  d1.x.label = "d1 [data units]";
  d1.x.low = 0.0;
  d1.y.label = "rows a bin [%]";
  d1.y.low = 0.0;
  d1.vertical.push_back({description.rule.threshold, "threshold"});
  Panel ratio;
  ratio.title = "How many rows have a smaller ratio";
  ratio.x.label = "nearest / second nearest, d1 / d2";
  ratio.x.low = 0.0;
  ratio.x.high = 1.0;
  ratio.y.label = "rows [%]";
  ratio.y.scale = Scale::kLog;
  ratio.vertical.push_back({description.rule.ratio, "1/3"});
  const auto add = [&](const std::string& name, const NeighbourStatistics& s) {
    d1.series.push_back(histogram(name, s.nearest.d1, distances, Mark::kLine));
    if (s.ratio) ratio.series.push_back(cumulative_share(name, s.nearest.ratios()));
  };
  if (within) add("leave-one-out", *within);
  if (held_out) add("held-out", *held_out);
  Figure figure;
  figure.panel_width = 560;
  figure.panels.push_back(std::move(d1));
  if (!ratio.series.empty()) figure.panels.push_back(std::move(ratio));
  write_figure(figure, stem);
}

std::string label_name(const DataDescription& description, std::int32_t label) {
  for (const LabelCount& l : description.labels) {
    if (l.label == label) return l.name.empty() ? fmt::format("label {}", label) : l.name;
  }
  return "";
}

/// The chosen rows at `points` [rows, 2], a colour a label. Axes and title are the caller's.
Panel scatter(const Dataset& data, const DataDescription& description, const std::vector<std::size_t>& rows,
              const Rows& points) {
  const bool by_label = description.labels.size() > 1;
  const bool named = description.labels.size() <= kNamedColors;
  std::map<std::int32_t, Series> series;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Series& s = series[by_label ? data.labels()[rows[i]] : 0];
    s.x.push_back(points(i, 0));
    s.y.push_back(points(i, 1));
  }
  Panel panel;
  panel.title = rows.size() < data.size() ? fmt::format("{} of {} rows", rows.size(), data.size()) : "All rows";
  if (by_label && !named) panel.title += "; colours by label, repeating";
  panel.equal_aspect = true;
  for (auto& [label, s] : series) {
    s.mark = Mark::kPoints;
    if (by_label && named) s.name = label_name(description, label);
    panel.series.push_back(std::move(s));
  }
  return panel;
}

Panel plane(const Dataset& data, const DataDescription& description, std::uint64_t seed) {
  const std::vector<std::size_t> rows = random_subset(seed, data.size(), kShownPoints);
  Rows points(rows.size(), 2);
  for (std::size_t i = 0; i < rows.size(); ++i) data.row(rows[i], points[i]);
  Panel panel = scatter(data, description, rows, points);
  panel.x.label = "coordinate 0 [data units]";
  panel.y.label = "coordinate 1 [data units]";
  return panel;
}

Panel leading_plane(const Dataset& data, const DataDescription& description, std::uint64_t seed) {
  const std::vector<std::size_t> rows = random_subset(seed, data.size(), kShownPoints);
  Panel panel = scatter(data, description, rows, leading_scores(description.spectrum, data, rows));
  panel.x.label = "first principal component [data units]";
  panel.y.label = "second principal component [data units]";
  return panel;
}

void write_spectrum(const Dataset& data, const DataDescription& description, std::uint64_t seed,
                    const std::filesystem::path& stem) {
  const Spectrum& spectrum = description.spectrum;
  Series variances;
  Series explained;
  variances.mark = spectrum.variances.size() < 30 ? Mark::kLinePoints : Mark::kLine;
  explained.mark = variances.mark;
  double sum = 0.0;
  for (std::size_t k = 0; k < spectrum.variances.size(); ++k) {
    sum += spectrum.variances[k];
    variances.x.push_back(static_cast<double>(k + 1));
    variances.y.push_back(spectrum.variances[k]);
    explained.x.push_back(static_cast<double>(k + 1));
    explained.y.push_back(100.0 * sum / spectrum.total_variance);
  }
  Panel each;
  each.title = "Variance of each principal component";
  each.x = {.label = "component", .scale = Scale::kLog};
  each.y = {.label = "variance [data units squared]", .scale = Scale::kLog};
  each.series.push_back(std::move(variances));
  Panel total;
  total.title = "Explained by the first components";
  total.x = {.label = "components", .scale = Scale::kLog};
  total.y = {.label = "of the variance [%]", .low = 0.0, .high = 100.0};
  total.series.push_back(std::move(explained));
  for (const double share : {0.5, 0.9, 0.99}) {
    total.vertical.push_back(
        {static_cast<double>(components_for(spectrum, share)), fmt::format("{:g} %", 100 * share)});
  }
  Figure figure;
  figure.panels.push_back(std::move(each));
  figure.panels.push_back(std::move(total));
  if (data.dimension() > 2 && spectrum.leading.rows() == 2) {
    figure.panels.push_back(leading_plane(data, description, seed));
  }
  write_figure(figure, stem);
}

Panel coordinate_histogram(const Dataset& data, const ValueStatistics& values, std::size_t coordinate) {
  std::vector<double> column(data.size());
  std::vector<double> row(data.dimension());
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.row(i, row);
    column[i] = row[coordinate];
  }
  Panel panel;
  panel.title = fmt::format("Coordinate {}", coordinate);
  panel.x.label = "value [data units]";
  panel.y.label = "rows a bin [%]";
  Range range{values.coordinate_low[coordinate], values.coordinate_high[coordinate]};
  if (range.low == range.high) range = {range.low - 0.5, range.high + 0.5};
  panel.series.push_back(histogram("", column, range, Mark::kBars));
  return panel;
}

void write_points(const Dataset& data, const DataDescription& description, std::uint64_t seed,
                  const std::filesystem::path& stem) {
  Figure figure;
  if (data.dimension() == 2) {
    figure.panel_height = 520;
    figure.panels.push_back(plane(data, description, seed));
  } else {
    for (std::size_t k = 0; k < std::min(data.dimension(), kShownCoordinates); ++k) {
      figure.panels.push_back(coordinate_histogram(data, description.values, k));
    }
  }
  write_figure(figure, stem);
}

}  // namespace

std::vector<std::string> write_description_pictures(const Dataset& data, const Dataset* held_out,
                                                    const DataDescription& description, std::uint64_t seed,
                                                    const std::filesystem::path& folder, const Context& context) {
  std::vector<std::string> written = {"rows.png"};
  const bool pictures = data.is_picture();
  if (pictures) {
    write_images(data, seed, folder / "rows.png");
  } else {
    write_points(data, description, seed, folder / "rows");
  }
  context.check_cancelled();
  if (description.spectrum.total_variance > 0.0) {
    write_spectrum(data, description, seed, folder / "spectrum");
    written.emplace_back("spectrum.png");
  }
  if (description.within || description.held_out) {
    write_distances(description, folder / "distances");
    written.emplace_back("distances.png");
  }
  if (!pictures) return written;
  const auto write = [&](const std::vector<ImagePair>& pairs, const std::string& name) {
    if (pairs.empty()) return;
    write_pairs(data, pairs, folder / name);
    written.push_back(name);
  };
  std::vector<ImagePair> pairs;
  for (const auto& group : description.exact_duplicates) {
    if (pairs.size() < kShownPairs) pairs.push_back(pair_of_rows(data, group[0], group[1]));
  }
  write(pairs, "duplicates.png");
  pairs.clear();
  for (const RowPair& p : description.closest_pairs) pairs.push_back(pair_of_rows(data, p.first, p.second));
  write(pairs, "closest_pairs.png");
  if (held_out == nullptr || !description.held_out) return written;
  const NeighbourStatistics& s = *description.held_out;
  pairs.clear();
  for (const std::size_t i : closest_rows(s, kShownPairs)) {
    pairs.emplace_back(image_from_dataset(*held_out, s.rows[i]), image_from_dataset(data, s.nearest.index1[i]));
  }
  write(pairs, "held_out_closest.png");
  return written;
}

}  // namespace scorefield

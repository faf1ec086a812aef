#include "scorefield/cli/describe_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace scorefield {
namespace {

constexpr std::size_t kShownLabels = 20;
constexpr std::size_t kShownPairs = 5;
constexpr std::size_t kShownCoordinates = 8;

using Out = std::back_insert_iterator<std::string>;

std::string bytes_text(std::size_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (bytes < 10240) return fmt::format("{} bytes", bytes);
  if (bytes < (std::size_t{10} << 20)) return fmt::format("{:.1f} KiB", size / 0x1p10);
  return bytes < (std::size_t{10} << 30) ? fmt::format("{:.1f} MiB", size / 0x1p20)
                                         : fmt::format("{:.1f} GiB", size / 0x1p30);
}

std::string units_text(const Affine& units) {
  if (units == Affine{}) return "data units are the stored values";
  if (units == kImageUnits) return "data units = stored / 127.5 - 1";
  return fmt::format("data units = {:.6g} * stored {} {:.6g}", units.scale, units.offset < 0 ? "-" : "+",
                     std::abs(units.offset));
}

std::string percent(double share) {
  return fmt::format("{:.3g} %", 100 * share);
}

std::string share_text(const Proportion& p) {
  return fmt::format("{} of {} ({}; 95 % interval {:.2g} to {:.2g} %)", p.count, p.total, percent(p.value), 100 * p.low,
                     100 * p.high);
}

std::string label_text(const Dataset& data, std::size_t row) {
  if (data.labels().empty()) return "";
  const auto label = static_cast<std::size_t>(data.labels()[row]);
  return label < data.label_names().size() ? data.label_names()[label] : std::to_string(label);
}

void write_what(Out out, const Dataset& data) {
  const std::string kind = fmt::format("{}{}", data.is_image() ? "image" : "point", data.size() == 1 ? "" : "s");
  fmt::format_to(out, "{}\n  {} {} of shape [{}], stored as {} ({})\n", data.name(), data.size(), kind,
                 fmt::join(data.shape(), ", "), scalar_name(data), bytes_text(stored_bytes(data)));
  for (const std::string& note : data.notes()) fmt::format_to(out, "  note: {}\n", note);
}

void write_values(Out out, const Dataset& data, const ValueStatistics& values) {
  fmt::format_to(out, "\nvalues ({})\n", units_text(data.affine()));
  fmt::format_to(out, "  from {:.6g} ({} of them) to {:.6g} ({}), mean {:.4g}, standard deviation {:.4g}\n", values.low,
                 percent(values.share_low), values.high, percent(values.share_high), values.mean,
                 values.standard_deviation);
  fmt::format_to(out, "  rms distance of a row from the mean row: {:.4g}\n", std::sqrt(values.variance));
  if (values.constant_coordinates > 0) {
    fmt::format_to(out, "  {} of {} coordinates never change\n", values.constant_coordinates, data.dimension());
  }
  if (data.dimension() > kShownCoordinates || data.is_image()) return;
  fmt::format_to(out, "  {:>10}  {:>11}  {:>11}  {:>11}  {:>11}\n", "coordinate", "lowest", "highest", "mean",
                 "std. dev.");
  for (std::size_t k = 0; k < data.dimension(); ++k) {
    fmt::format_to(out, "  {:>10}  {:>11.4g}  {:>11.4g}  {:>11.4g}  {:>11.4g}\n", k, values.coordinate_low[k],
                   values.coordinate_high[k], values.coordinate_mean[k], std::sqrt(values.coordinate_variance[k]));
  }
}

void write_labels(Out out, const std::vector<LabelCount>& labels) {
  if (labels.empty()) {
    fmt::format_to(out, "\nlabels: none\n");
    return;
  }
  fmt::format_to(out, "\nlabels\n");
  for (std::size_t k = 0; k < std::min(labels.size(), kShownLabels); ++k) {
    fmt::format_to(out, "  {:>6}  {:>8} rows{}\n", labels[k].label, labels[k].count,
                   labels[k].name.empty() ? "" : "  " + labels[k].name);
  }
  if (labels.size() > kShownLabels) fmt::format_to(out, "  and {} more\n", labels.size() - kShownLabels);
}

void write_pairs(Out out, const Dataset& data, const std::vector<RowPair>& pairs) {
  for (std::size_t k = 0; k < std::min(pairs.size(), kShownPairs); ++k) {
    const std::string first = label_text(data, pairs[k].first);
    const std::string second = label_text(data, pairs[k].second);
    fmt::format_to(out, "    rows {} and {} at {:.4g}{}\n", pairs[k].first, pairs[k].second, pairs[k].distance,
                   first.empty()     ? ""
                   : first == second ? fmt::format(", both {}", first)
                                     : fmt::format(", {} and {}", first, second));
  }
}

void write_duplicates(Out out, const Dataset& data, const DataDescription& description) {
  const auto& groups = description.exact_duplicates;
  std::size_t surplus = 0;
  for (const auto& group : groups) surplus += group.size() - 1;
  fmt::format_to(out, "\nduplicates\n");
  if (groups.empty()) {
    fmt::format_to(out, "  exact: none\n");
  } else {
    fmt::format_to(out, "  exact: {} rows repeat others, in {} groups", surplus, groups.size());
    if (!data.labels().empty()) {
      fmt::format_to(out, "; labels differ in {} of them", description.conflicting_duplicates);
    }
    fmt::format_to(out, "\n");
    for (std::size_t k = 0; k < std::min(groups.size(), kShownPairs); ++k) {
      const auto& group = groups[k];
      const std::size_t shown = std::min<std::size_t>(group.size(), 8);
      fmt::format_to(out, "    rows {}{}\n", fmt::join(group.begin(), group.begin() + shown, ", "),
                     shown < group.size() ? fmt::format(" and {} more", group.size() - shown) : "");
    }
  }
  if (!description.within) return;
  const auto& near = description.near_duplicates;
  const std::size_t searched = description.within->rows.size();
  fmt::format_to(out, "  near (not equal, within {:.4g}): {} pairs, from {} of {} rows held against all\n",
                 description.rule.threshold, near.size(), searched == data.size() ? "all" : std::to_string(searched),
                 data.size());
  if (near.empty() && !description.closest_pairs.empty()) fmt::format_to(out, "    the closest that are not:\n");
  write_pairs(out, data, near.empty() ? description.closest_pairs : near);
}

void write_spread(Out out, const std::string& name, const Spread& spread, bool sampled) {
  const std::string error =
      sampled && std::isfinite(spread.mean.standard_error) ? fmt::format(" +- {:.2g}", spread.mean.standard_error) : "";
  fmt::format_to(out, "  {:<6} {:>18} {:>8.3g}", name, fmt::format("{:.4g}{}", spread.mean.value, error), spread.low);
  for (const Quantile& q : spread.quantiles) fmt::format_to(out, " {:>8.3g}", q.value);
  fmt::format_to(out, " {:>8.3g}\n", spread.high);
  if (!sampled) return;
  fmt::format_to(out, "  {:<6} {:>18} {:>8}", "", "", "+-");
  for (const Quantile& q : spread.quantiles) {
    fmt::format_to(out, " {:>8.2g}", std::max(q.high - q.value, q.value - q.low));
  }
  fmt::format_to(out, "\n");
}

void write_neighbours(Out out, const NeighbourStatistics& s) {
  const bool sampled = s.rows.size() < s.population;
  fmt::format_to(out, "  {:<6} {:>18} {:>8}", "", sampled ? "mean +- s.e." : "mean", "lowest");
  for (const Quantile& q : s.d1.quantiles) fmt::format_to(out, " {:>8}", fmt::format("{:g} %", 100 * q.probability));
  fmt::format_to(out, " {:>8}\n", "highest");
  write_spread(out, "d1", s.d1, sampled);
  if (s.d2) write_spread(out, "d2", *s.d2, sampled);
  if (s.ratio) {
    write_spread(out, "d1/d2", *s.ratio, sampled);
    fmt::format_to(out, "  d1/d2 < 1/3: {}\n", share_text(s.below_third));
  }
}

void write_spectrum(Out out, const Dataset& data, const Spectrum& spectrum) {
  fmt::format_to(out, "\nprincipal components, from {} rows\n  components for a share of the variance:",
                 spectrum.rows == data.size() ? fmt::format("all {}", spectrum.rows)
                                              : fmt::format("{} of {}", spectrum.rows, data.size()));
  for (const double share : kExplainedShares) {
    fmt::format_to(out, "{} {:g} %: {}", share == kExplainedShares.front() ? "" : ",", 100 * share,
                   components_for(spectrum, share));
  }
  fmt::format_to(out, ", of {}\n", data.dimension());
  if (spectrum.rows < data.size()) fmt::format_to(out, "  (fewer rows show fewer components: lower bounds)\n");
}

std::string rows_text(const NeighbourStatistics& s) {
  return s.rows.size() == s.population ? fmt::format("all {} rows", s.population)
                                       : fmt::format("{} of {} rows", s.rows.size(), s.population);
}

void write_held_out(Out out, const Dataset& data, const Dataset& held_out, const NeighbourStatistics& s) {
  fmt::format_to(out, "\n{} against {} ({})\n", held_out.name(), data.name(), rows_text(s));
  write_neighbours(out, s);
  fmt::format_to(out, "  equal to a row of the data: {}\n  copies by the rule: {}\n", share_text(s.equal),
                 share_text(s.called_copies));
  fmt::format_to(out, "  the closest:\n");
  for (const std::size_t i : closest_rows(s, kShownPairs)) {
    fmt::format_to(out, "    row {} to row {}: d1 {:.4g}", s.rows[i], s.nearest.index1[i], s.nearest.d1[i]);
    if (s.d2) fmt::format_to(out, ", d2 {:.4g}, d1/d2 {:.3f}", s.nearest.d2[i], s.nearest.ratios()[i]);
    fmt::format_to(out, "\n");
  }
}

}  // namespace

std::string description_text(const Dataset& data, const Dataset* held_out, const DataDescription& description) {
  std::string text;
  const Out out = std::back_inserter(text);
  write_what(out, data);
  write_values(out, data, description.values);
  write_labels(out, description.labels);
  write_duplicates(out, data, description);
  if (description.within) {
    fmt::format_to(out, "\nnearest other rows (leave-one-out, {})\n", rows_text(*description.within));
    write_neighbours(out, *description.within);
    if (held_out == nullptr) {
      fmt::format_to(out, "  copies by the rule: {}\n", share_text(description.within->called_copies));
    }
  }
  if (held_out != nullptr && description.held_out) write_held_out(out, data, *held_out, *description.held_out);
  write_spectrum(out, data, description.spectrum);
  const auto sampled = [](const auto& s) { return s && s->rows.size() < s->population; };
  if (sampled(description.within) || sampled(description.held_out)) {
    fmt::format_to(out, "\n(+- under a quantile reaches the further end of its 95 % interval)\n");
  }
  fmt::format_to(out, "\nrule of a copy: {}\n", rule_text(description.rule));
  return text;
}

}  // namespace scorefield

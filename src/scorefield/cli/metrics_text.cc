#include "scorefield/cli/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "scorefield/metrics/sample_metrics_figures.h"

namespace scorefield {
namespace {

using Out = std::back_insert_iterator<std::string>;

/// The value to the digits that its error leaves: "12.31 +- 0.08".
std::string estimate_text(const Estimate& e) {
  if (!std::isfinite(e.standard_error) || e.standard_error <= 0) {
    return fmt::format("{:.4g} +- {:g}", e.value, e.standard_error);
  }
  const int digits = 1 - static_cast<int>(std::floor(std::log10(e.standard_error)));
  if (digits > 6) return fmt::format("{:.3e} +- {:.1e}", e.value, e.standard_error);
  return fmt::format("{:.{}f} +- {:.{}f}", e.value, std::max(0, digits), e.standard_error, std::max(0, digits));
}

/// How far the samples are from what data reach, in standard errors of the difference were the columns independent.
/// They share the rows they are held against, so this is on the small side.
std::string excess_text(const Estimate& samples, const Estimate& data) {
  const double error = std::hypot(samples.standard_error, data.standard_error);
  return error > 0 ? fmt::format("{:+.1f}", (samples.value - data.value) / error) : "";
}

void write_row(Out out, std::string_view name, std::string_view best, const std::vector<Estimate>& estimates) {
  fmt::format_to(out, "  {:<29} {:>4}", name, best);
  for (const Estimate& e : estimates) fmt::format_to(out, " {:>22}", estimate_text(e));
  fmt::format_to(out, " {:>8}\n", excess_text(estimates[0], estimates[1]));
}

void write_classes(Out out, const std::vector<const SetMetrics*>& sets) {
  struct Entry {
    std::string_view name, best;
    Estimate ClassMetrics::*of;
  };
  for (const Entry& entry : {Entry{"entropy of a sample's class", "", &ClassMetrics::entropy},
                             Entry{"entropy of the mean class", "", &ClassMetrics::entropy_of_mean},
                             Entry{"inception score", "high", &ClassMetrics::inception_score},
                             Entry{"class total variation", "low", &ClassMetrics::total_variation}}) {
    std::vector<Estimate> estimates;
    for (const SetMetrics* set : sets) estimates.push_back((*set->classes).*entry.of);
    write_row(out, entry.name, entry.best, estimates);
  }
}

}  // namespace

std::string sample_metrics_text(const SampleMetrics& metrics, const Dataset& data) {
  std::string text;
  const Out out = std::back_inserter(text);
  const std::vector<const SetMetrics*> sets = metrics.sets();
  fmt::format_to(out, "{} against {}: {} rows a set, features {} ({} values), k = {}\n", metrics.samples.name,
                 data.name(), metrics.rows, metrics.features, metrics.dimension, metrics.k);
  fmt::format_to(out, "{} against the same rows of the data: {}\n", metrics.held_out ? "held out" : "other data",
                 metrics.held_out ? metrics.data.name : "rows of the data that are not among them");
  if (metrics.clip) fmt::format_to(out, "samples clipped to [{:g}, {:g}]\n", metrics.clip->low, metrics.clip->high);
  fmt::format_to(out, "\n  {:<29} {:>4}", "value +- standard error", "best");
  for (const std::string& label : set_labels(metrics)) fmt::format_to(out, " {:>22}", label);
  fmt::format_to(out, " {:>8}\n", "excess");
  for (const MetricEntry& entry : metric_entries()) {
    std::vector<Estimate> estimates;
    for (const SetMetrics* set : sets) estimates.push_back(entry.of(*set));
    write_row(out, entry.name, entry.best, estimates);
  }
  if (metrics.samples.frechet_to_reference) {
    std::vector<Estimate> estimates;
    for (const SetMetrics* set : sets) estimates.push_back(*set->frechet_to_reference);
    write_row(out, "Frechet, to --reference", "low", estimates);
  }
  if (metrics.samples.classes) write_classes(out, sets);
  fmt::format_to(
      out, "\n(excess: of the samples over the data, in standard errors; bandwidth of the Gaussian kernel {:.4g})\n",
      metrics.bandwidth);
  return text;
}

}  // namespace scorefield

#include "scorefield/cli/sample_text.h"

#include <fmt/format.h>

#include <cmath>

#include "scorefield/metrics/description.h"

namespace scorefield {
namespace {

constexpr double kMismatchWarning = 0.5;  // nats

/// A dash where the field was not asked.
std::string number(double value, const char* format) {
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

std::string levels_text(const SamplingReport& report) {
  std::string text =
      fmt::format("\n{:>4}  {:>10}  {:>9}  {:>12}  {:>13}\n", "step", "sigma", "entropy", "effective", "largest");
  text += fmt::format("{:>4}  {:>10}  {:>9}  {:>12}  {:>13}\n", "", "", "[nats]", "sample size", "weight");
  for (std::size_t s = 0; s < report.levels.size(); ++s) {
    const LevelSummary& level = report.levels[s];
    text += fmt::format("{:>4}  {:>10.4g}  {:>9}  {:>12}  {:>13}\n", s, level.sigma, number(level.entropy, "{:.4f}"),
                        number(level.effective_sample_size, "{:.2f}"), number(level.largest_weight, "{:.3g}"));
  }
  return text;
}

std::string copies_text(const SamplingReport& report) {
  const Proportion& copies = report.copies.share;
  const Proportion& wrong = report.false_positives;
  std::string text =
      fmt::format("\nverdict: {} of {} samples are copies of training rows ({} different rows; rms distance {:.2g})\n",
                  copies.count, copies.total, report.copies.rows.size(), report.copies.rms_distance);
  text += fmt::format("  rule: {}\n", rule_text(report.rule));
  if (wrong.total == 0) {
    text += "  false positives: not measured\n";
  } else {
    text += fmt::format(
        "  false positives: {} of {} {} ({:.3g} %, 95 % interval {:.2g} to {:.3g} %)\n", wrong.count, wrong.total,
        report.held_out ? "held-out rows, which no sampler made" : "training rows held against all others",
        100 * wrong.value, 100 * wrong.low, 100 * wrong.high);
  }
  return text;
}

}  // namespace

std::string start_text(const SamplingRun& run) {
  const double sigma_max = run.sampling.levels.front();
  const char* const source = run.noise ? "the given noise, as N(0, I)" : "unit noise";
  if (run.init) {
    return fmt::format("start: the given rows, with {} to sigma = {:g}", run.noise ? "the given noise" : "noise",
                       sigma_max);
  }
  if (run.sampling.start == Start::kExact) return "start: drawn from p_sigma_max itself";
  if (std::isinf(sigma_max)) return fmt::format("start: {} at sigma = inf, where it costs nothing", source);
  if (!run.second_moment) {
    return fmt::format("start: {} at sigma = {:g}; what that costs is not known", source, sigma_max);
  }
  const double mismatch = start_mismatch(run).value_or(0);
  if (run.sampling.start == Start::kProcess) {
    return fmt::format("start: N(0, I) in the process's coordinates at sigma = {:g} costs at most {:.3g} nats",
                       sigma_max, mismatch);
  }
  return fmt::format(
      "start: N(0, {:g}^2 I) instead of p_sigma_max costs at most {:.3g} nats (E|x0|^2 / (2 sigma_max^2))", sigma_max,
      mismatch);
}

std::string start_warning(const SamplingRun& run) {
  const double mismatch = start_mismatch(run).value_or(0);
  if (mismatch <= kMismatchWarning) return "";
  return fmt::format(
      "warning: the start costs up to {:.3g} nats, over {}, so the samples' law is off; --sigma-max {:.3g} would "
      "fit, or --start exact",
      mismatch, kMismatchWarning, fitting_sigma_max(*run.second_moment, kMismatchWarning));
}

std::string report_text(const SamplingRun& run, const SamplingReport& report) {
  const bool has_posterior = run.sampling.field.capabilities().posterior;
  std::string text;
  if (has_posterior) text += levels_text(report);
  if (run.data != nullptr) text += copies_text(report);
  const bool equal = report.least_evaluations == report.most_evaluations;
  text += fmt::format(
      "  {} evaluations of the field a sample{}, {:.1f} s\n",
      equal ? fmt::format("{}", report.most_evaluations) : fmt::format("{:.1f}", report.mean_evaluations),
      equal ? "" : fmt::format(" ({} to {})", report.least_evaluations, report.most_evaluations), report.seconds);
  if (run.form.is_picture()) {
    text += fmt::format("pictures: grid.png{} paths.png{}\n", run.data != nullptr ? " nearest.png" : "",
                        has_posterior ? " effective_sample_size.png" : "");
    if (!run.form.eight_bit) text += "  (data units [-1, 1] shown from black to white, clipped)\n";
  }
  return text;
}

}  // namespace scorefield

#include "scorefield/sample/guidance_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/metrics/neighbours.h"

namespace scorefield {
namespace {

constexpr std::size_t kPointsPerCell = 8;  // a side, of the midpoint rule
constexpr std::size_t kExactDraws = 100;   // of as many samples each, for what they show

/// Which samples are of the class, and to which component or row each belongs.
struct Membership {
  std::vector<int> label;
  std::vector<std::uint32_t> mode;
};

Rows sample_all(const GuidanceSweep& sweep, const GuidanceTrial& trial, double before, const Context& context) {
  Rows x(sweep.seeds.size(), sweep.data.dimension());
  const Sampling sampling = with_field(trial.field, sweep.sampling);
  const auto total = static_cast<double>(sweep.trials.size() * sweep.seeds.size());
  for (std::size_t first = 0; first < sweep.seeds.size(); first += sweep.batch) {
    const auto seeds = std::span(sweep.seeds).subspan(first, std::min(sweep.batch, sweep.seeds.size() - first));
    const Samples samples = sample(sampling, seeds, {&sweep.label, 1}, nullptr, context);
    std::ranges::copy(samples.x.values(), x[first].data());
    context.report("samples", before + static_cast<double>(first + seeds.size()), total);
  }
  return x;
}

/// By posterior weight at a noise far below the samples' own, which leaves out nothing of the law.
Membership in_law(const GaussianMixture& law, RowsView<const double> x, double sigma, const Context& context) {
  const ExactClassLikelihood classes(law, law.class_probabilities());
  const ClassAnswer answer = classes.ask(x, {&sigma, 1}, {}, context);
  Membership membership;
  for (std::size_t i = 0; i < x.rows; ++i) {
    const auto logs = answer.log_probability[i];
    membership.label.push_back(static_cast<int>(std::ranges::max_element(logs) - logs.begin()));
  }
  Request heaviest;
  heaviest.denoised = false;
  heaviest.top_k = 1;
  membership.mode = law.ask(x, {&sigma, 1}, {}, heaviest, context).top_rows;
  return membership;
}

Membership in_rows(const Dataset& data, RowsView<const double> x, const Context& context) {
  const NearestTwo nearest = nearest_two(data, x, context);
  Membership membership;
  for (const std::uint64_t row : nearest.index1) {
    membership.label.push_back(data.labels()[row]);
    membership.mode.push_back(static_cast<std::uint32_t>(row));
  }
  return membership;
}

Estimate trace_of_covariance(const Rows& x) {
  const std::size_t n = x.rows();
  std::vector<double> mean(x.cols());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < x.cols(); ++k) mean[k] += x(i, k) / static_cast<double>(n);
  }
  std::vector<double> squares(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < x.cols(); ++k) squares[i] += std::pow(x(i, k) - mean[k], 2);
  }
  const Estimate trace = mean_of_sample(squares, 0);
  const double unbiased = static_cast<double>(n) / static_cast<double>(n - 1);
  return {trace.value * unbiased, trace.standard_error * unbiased};
}

/// E|x_0|^2 - |E x_0|^2 of the rows of a class, data units squared.
double trace_of_class(const Dataset& data, int label, std::size_t& count) {
  std::vector<double> row(data.dimension());
  std::vector<double> mean(data.dimension());
  count = static_cast<std::size_t>(std::ranges::count(data.labels(), label));
  double trace = 0;
  for (const bool about_mean : {false, true}) {
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (data.labels()[i] != label) continue;
      data.row(i, row);
      for (std::size_t k = 0; k < row.size(); ++k) {
        if (about_mean) {
          trace += std::pow(row[k] - mean[k], 2) / static_cast<double>(count);
        } else {
          mean[k] += row[k] / static_cast<double>(count);
        }
      }
    }
  }
  return trace;
}

GuidanceReference reference_of(const GuidanceSweep& sweep, const Context& context) {
  GuidanceReference reference;
  std::vector<double> shares;
  if (sweep.law == nullptr) {
    reference.spread = trace_of_class(sweep.data, sweep.label, reference.mode_count);
    shares.assign(reference.mode_count, 1 / static_cast<double>(reference.mode_count));
  } else {
    const auto& components = sweep.law->components();
    for (std::size_t k = 0; k < components.size(); ++k) {
      if (components[k].label != sweep.label || components[k].weight == 0) continue;
      reference.modes.push_back(static_cast<std::uint32_t>(k));
      shares.push_back(components[k].weight);
    }
    const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares) share /= total;
    reference.mode_count = reference.modes.size();
    const Rows origin(1, sweep.law->dimension());
    const double sigma = std::numeric_limits<double>::infinity();
    reference.spread =
        sweep.law->ask(origin.view(), {&sigma, 1}, {&sweep.label, 1}, {.covariance_trace = true}, context)
            .covariance_trace[0];
  }
  if (shares.empty()) throw Error(fmt::format("{} has nothing of class {}", sweep.data.name(), sweep.label));
  reference.modes_hit = expected_distinct(shares, sweep.seeds.size());
  return reference;
}

/// Where a sample belongs in the law is asked at the noise that it has left: after a step to 0 none, for which stands a
/// small part of the last level, and of the law's own size where the levels are few.
double noise_left(const GuidanceSweep& sweep) {
  const auto& levels = sweep.sampling.levels;
  if (levels.back() > 0 && !sweep.sampling.jump) return levels.back();
  const double last = levels.back() > 0 ? levels.back() : levels[levels.size() - 2];
  return std::min(last / 16, 1e-3 * std::sqrt(sweep.law->variance()));
}

GuidanceResult measure(const GuidanceSweep& sweep, const GuidanceReport& report, double scale, Rows x, double sigma,
                       const Context& context) {
  const Membership membership =
      sweep.law == nullptr ? in_rows(sweep.data, x.view(), context) : in_law(*sweep.law, x.view(), sigma, context);
  GuidanceResult result;
  result.scale = scale;
  std::map<std::uint32_t, std::size_t> hits;
  std::size_t pure = 0;
  const auto is_own = [&](std::uint32_t mode) {
    return (sweep.law == nullptr ? sweep.data.labels()[mode] : sweep.law->components()[mode].label) == sweep.label;
  };
  for (std::size_t i = 0; i < x.rows(); ++i) {
    if (membership.label[i] == sweep.label) ++pure;
    if (is_own(membership.mode[i])) ++hits[membership.mode[i]];
  }
  const auto once = std::ranges::count_if(hits, [](const auto& hit) { return hit.second == 1; });
  result.pure = binomial_interval(pure, x.rows());
  result.modes = {static_cast<double>(hits.size()), distinct_error(static_cast<std::size_t>(once), x.rows())};
  for (const std::uint32_t mode : report.reference.modes) result.samples_of_mode.push_back(hits[mode]);
  result.spread = trace_of_covariance(x);
  if (report.tilted && scale >= 0) {
    const std::vector<double> masses = report.tilted->masses(scale);
    result.tilted = total_variation(report.tilted->grid(), masses, x.view());
    result.exact_tilted = exact_sample_variation(masses, x.rows(), kExactDraws, 0);
  }
  result.samples = std::move(x);
  return result;
}

}  // namespace

double distinct_error(std::size_t once, std::size_t n) {
  const auto count = static_cast<double>(n);
  const auto singles = static_cast<double>(once);
  return std::sqrt((count - 1) / count * singles * (1 - singles / count));
}

Estimate expected_distinct(std::span<const double> probabilities, std::size_t n) {
  // The count is d - (values never drawn); P(k and l never drawn) = (1 - p_k - p_l)^n. Equal probabilities are put
  // together, so that many rows cost no more than few.
  std::map<double, double> counts;
  for (const double p : probabilities) ++counts[p];
  const auto never = [n](double p) { return std::pow(std::max(0.0, 1 - p), static_cast<double>(n)); };
  double mean = 0;
  double variance = 0;
  for (const auto& [p, c] : counts) {
    mean += c * (1 - never(p));
    variance += c * (never(p) - never(2 * p));
    for (const auto& [q, e] : counts) variance += c * e * (never(p + q) - never(p) * never(q));
  }
  return {mean, std::sqrt(std::max(0.0, variance))};
}

void check_sweep(const GuidanceSweep& sweep) {
  if (sweep.seeds.size() < 2) throw Error("a spread of samples needs at least 2 of them");
  if (sweep.law != nullptr && sweep.law->dimension() == 2) (void)grid_of(*sweep.law, sweep.side);
}

GuidanceReport sweep_guidance(const GuidanceSweep& sweep, const Context& context) {
  check_sweep(sweep);
  const std::size_t n = sweep.seeds.size();
  ensure(sweep.label >= 0 && sweep.batch > 0, "a sweep is to a class, in batches");
  ensure(sweep.sampling.step_noise == nullptr, "the seeds' own noise, which every scale gets");
  context.check_memory((sweep.trials.size() + 1) * n, sweep.data.dimension() * sizeof(double),
                       "the samples of all scales (--seeds)");
  GuidanceReport report;
  report.reference = reference_of(sweep, context);
  std::optional<ExactClassLikelihood> classes;
  if (sweep.law != nullptr && sweep.law->dimension() == 2) {
    classes.emplace(*sweep.law, sweep.law->class_probabilities());
    report.tilted.emplace(*sweep.law, *classes, sweep.label, grid_of(*sweep.law, sweep.side), kPointsPerCell, context);
  }
  const double sigma = sweep.law == nullptr ? 0 : noise_left(sweep);
  try {
    for (const GuidanceTrial& trial : sweep.trials) {
      Rows x = sample_all(sweep, trial, static_cast<double>(report.results.size() * n), context);
      report.results.push_back(measure(sweep, report, trial.scale, std::move(x), sigma, context));
    }
  } catch (const Cancelled&) {
    if (report.results.empty()) throw;
  }
  return report;
}

}  // namespace scorefield

#include "scorefield/metrics/sample_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/subset.h"
#include "scorefield/kernel/nearest.h"
#include "scorefield/metrics/gaussian_baseline.h"
#include "scorefield/metrics/neighbours.h"
#include "scorefield/metrics/sliced_wasserstein.h"

namespace scorefield {
namespace {

/// Streams of the choices that must not repeat one another.
enum Stream : std::uint64_t { kData = 1, kSamples, kOthers, kBaseline, kGroups = 16 };

std::vector<std::size_t> choose(std::uint64_t seed, Stream stream, std::size_t population, std::size_t count) {
  return random_subset(RandomStream(seed, Purpose::kSubset, stream).bits(0), population, count);
}

std::vector<std::size_t> rows_without(std::size_t population, const std::vector<std::size_t>& taken) {
  std::vector<std::size_t> rest;
  auto next = taken.begin();
  for (std::size_t i = 0; i < population; ++i) {
    if (next != taken.end() && *next == i) {
      ++next;
    } else {
      rest.push_back(i);
    }
  }
  return rest;
}

/// The data's rows and all that is computed of them once.
class Reference {
 public:
  Reference(FeatureRows rows, const SampleMetricsOptions& options, const Context& context)
      : options_(options),
        rows_(std::move(rows)),
        grouped_(rows_.features.view(), options.seed, kGroups, "features of the data"),
        frechet_(rows_.features.view(), context),
        kernel_(grouped_, context) {
    if (options.reference) given_.emplace(*options.reference);
  }

  double bandwidth() const { return kernel_.bandwidth(); }

  SetMetrics compare(const std::string& name, const FeatureRows& set, Stream stream, const Context& context) const {
    const auto view = set.features.view();
    const GroupedRows grouped(view, options_.seed, kGroups + stream, fmt::format("features of {}", name));
    SetMetrics result;
    result.name = name;
    result.frechet = frechet_.distance(view, context);
    if (given_) result.frechet_to_reference = given_->distance(view, context);
    result.kernel = kernel_.distances(grouped, context);
    result.sliced_wasserstein = sliced_wasserstein(grouped_, grouped, options_.projections, options_.seed, context);
    result.neighbours = neighbour_metrics(rows_.features.view(), view, options_.k, options_.seed, context);
    if (!set.probabilities.empty()) {
      result.classes = class_metrics(rows_.probabilities.view(), set.probabilities.view(), options_.seed);
    }
    result.nearest = nearest_rows(rows_.features.view(), {}, view, 1, context).distance;
    std::ranges::sort(result.nearest);
    return result;
  }

 private:
  const SampleMetricsOptions& options_;
  FeatureRows rows_;
  GroupedRows grouped_;
  FrechetReference frechet_;
  KernelDistance kernel_;
  std::optional<FrechetReference> given_;
};

constexpr MetricEntry kEntries[] = {
    {"frechet", "Frechet distance (squared)", "low", [](const SetMetrics& s) -> const Estimate& { return s.frechet; }},
    {"kernel_cubic", "kernel distance, cubic (KID)", "low",
     [](const SetMetrics& s) -> const Estimate& { return s.kernel.cubic; }},
    {"kernel_gaussian", "kernel distance, Gaussian", "low",
     [](const SetMetrics& s) -> const Estimate& { return s.kernel.gaussian; }},
    {"sliced_wasserstein", "sliced Wasserstein distance", "low",
     [](const SetMetrics& s) -> const Estimate& { return s.sliced_wasserstein; }},
    {"precision", "precision", "high", [](const SetMetrics& s) -> const Estimate& { return s.neighbours.precision; }},
    {"recall", "recall", "high", [](const SetMetrics& s) -> const Estimate& { return s.neighbours.recall; }},
    {"density", "density", "1", [](const SetMetrics& s) -> const Estimate& { return s.neighbours.density; }},
    {"coverage", "coverage", "high", [](const SetMetrics& s) -> const Estimate& { return s.neighbours.coverage; }},
    {"nearest_accuracy", "1-nearest-neighbour accuracy", "1/2",
     [](const SetMetrics& s) -> const Estimate& { return s.neighbours.nearest_accuracy; }},
};

}  // namespace

std::vector<const SetMetrics*> SampleMetrics::sets() const {
  std::vector<const SetMetrics*> result = {&samples, &data};
  if (baseline) result.push_back(&*baseline);
  return result;
}

std::span<const MetricEntry> metric_entries() {
  return kEntries;
}

SampleMetrics sample_metrics(const Dataset& data, const Dataset& samples, const Dataset* held_out,
                             const FeatureMap& features, const SampleMetricsOptions& options, const Context& context) {
  if (samples.dimension() != data.dimension()) check_same_shape(data, samples);  // rows of one length may be flat
  if (held_out != nullptr) check_same_shape(data, *held_out);
  SampleMetrics result;
  result.features = features.name();
  result.dimension = features.dimension();
  result.k = options.k;
  result.held_out = held_out != nullptr;
  result.rows = std::min({options.count, samples.size(), held_out != nullptr ? data.size() : data.size() / 2});
  if (held_out != nullptr) result.rows = std::min(result.rows, held_out->size());
  if (result.rows < least_rows(options.k)) {
    throw Error(
        fmt::format("{} rows a side ({}: {} rows, {}: {}{}): {} nearest neighbours and their errors need {} or more",
                    result.rows, data.name(), data.size(), samples.name(), samples.size(),
                    held_out != nullptr ? fmt::format(", {}: {}", held_out->name(), held_out->size())
                                        : ", the data used twice as nothing is held out",
                    options.k, least_rows(options.k)));
  }
  const std::size_t n = result.rows;
  if (options.clip) result.clip = value_range(data, context);

  const std::vector<std::size_t> chosen = choose(options.seed, kData, data.size(), n);
  const Reference reference(features_of(features, data, chosen, std::nullopt, context), options, context);
  result.bandwidth = reference.bandwidth();
  const auto compare = [&](const Dataset& set, const std::vector<std::size_t>& rows, Stream stream, bool clip) {
    return reference.compare(set.name(), features_of(features, set, rows, clip ? result.clip : std::nullopt, context),
                             stream, context);
  };
  result.samples = compare(samples, choose(options.seed, kSamples, samples.size(), n), kSamples, options.clip);
  if (held_out != nullptr) {
    result.data = compare(*held_out, choose(options.seed, kOthers, held_out->size(), n), kOthers, false);
  } else {
    const std::vector<std::size_t> rest = rows_without(data.size(), chosen);
    std::vector<std::size_t> others = choose(options.seed, kOthers, rest.size(), n);
    for (std::size_t& row : others) row = rest[row];
    result.data = compare(data, others, kOthers, false);
  }
  if (options.gaussian_baseline) {
    const Dataset draws =
        gaussian_baseline(data, n, RandomStream(options.seed, Purpose::kSubset, kBaseline).bits(0), context);
    result.baseline = compare(draws, choose(options.seed, kBaseline, n, n), kBaseline, false);
  }
  return result;
}

}  // namespace scorefield

// How good a set of samples is: every metric, with its error, beside what rows of the data themselves reach.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/metrics/class_metrics.h"
#include "scorefield/metrics/feature_map.h"
#include "scorefield/metrics/frechet.h"
#include "scorefield/metrics/kernel_distance.h"
#include "scorefield/metrics/neighbour_metrics.h"

namespace scorefield {

struct SampleMetricsOptions {
  std::size_t count = 5000;                    // rows a side, at most
  std::size_t k = 5;                           // neighbours
  std::size_t projections = 256;               // of the sliced Wasserstein distance
  std::uint64_t seed = 0;                      // of the choice of rows, their groups, the projections and the baseline
  bool clip = false;                           // samples to the range of the data
  bool gaussian_baseline = false;              // a third set: draws from the Gaussian fitted to the data, clipped
  std::optional<MeanAndCovariance> reference;  // of the features of some other, larger set
};

/// One set against the data. All in the space of the features.
struct SetMetrics {
  std::string name;
  Estimate frechet;  // squared, as FID is
  std::optional<Estimate> frechet_to_reference;
  KernelDistances kernel;
  Estimate sliced_wasserstein;
  NeighbourMetrics neighbours;
  std::optional<ClassMetrics> classes;
  std::vector<double> nearest;  // [N] ascending: from each row to the nearest of the data's
};

/// All sets have `rows` rows and are held against the same rows of the data: what is biased by the number of rows is
/// biased alike.
struct SampleMetrics {
  std::string features;
  std::size_t dimension = 0;  // p
  std::size_t rows = 0;       // N, of each set
  std::size_t k = 0;
  double bandwidth = 0;  // of the Gaussian kernel
  bool held_out = false;
  std::optional<ValueRange> clip;
  SetMetrics samples;
  SetMetrics data;  // held-out rows, or else other rows of the data, against the data
  std::optional<SetMetrics> baseline;

  /// The sets in the order samples, data, baseline.
  std::vector<const SetMetrics*> sets() const;
};

/// How a number of every set is called, where it is, and what is good.
struct MetricEntry {
  std::string_view key;   // in JSON
  std::string_view name;  // in text and figures
  std::string_view best;  // "low", "high" or "1/2"
  const Estimate& (*of)(const SetMetrics& set);
};
std::span<const MetricEntry> metric_entries();

/// `held_out`: null, or rows of the same kind that are not in `data`. N is the largest number up to `count` that all
/// sets have rows for (the data twice, where nothing is held out), drawn at random. Throws Error when shapes differ or
/// N is too small for k neighbours.
SampleMetrics sample_metrics(const Dataset& data, const Dataset& samples, const Dataset* held_out,
                             const FeatureMap& features, const SampleMetricsOptions& options, const Context& context);

}  // namespace scorefield

// What guidance does: samples of one class at several guidance scales, held against the class.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/field/mixture.h"
#include "scorefield/metrics/grouped_rows.h"
#include "scorefield/metrics/intervals.h"
#include "scorefield/metrics/tilted_density.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

/// The guided field at one scale.
struct GuidanceTrial {
  double scale = 1;
  const Field& field;
};

struct GuidanceSweep {
  /// Whose class it is; with a law, rows drawn from it.
  const Dataset& data;
  /// The law whose field is guided; null: that of the rows.
  const GaussianMixture* law = nullptr;
  int label = 0;
  std::vector<GuidanceTrial> trials;
  /// How to sample; its field is not used, and its step_noise must be null (the seeds' noise is that of every scale).
  Sampling sampling;
  std::vector<std::uint64_t> seeds;  // the same for every scale
  std::size_t batch = 256;
  std::size_t side = 40;  // of the grid's cells, in the plane
};

struct GuidanceResult {
  double scale = 1;
  /// Share of samples that are of the class: by the posterior p(class | x) of the law, or by the nearest row.
  Proportion pure;
  Estimate spread;  // trace of the covariance of the samples, data units squared
  /// Components of the class (rows of the class, without a law) to which some sample belongs: is nearest, by posterior
  /// weight or by distance. Its error is the jackknife's.
  Estimate modes;
  std::vector<std::size_t> samples_of_mode;  // in the order of GuidanceReference::modes; empty without a law
  std::optional<Estimate> tilted;            // to p(x) p(class | x)^scale, in the plane; null for a scale below 0
  SampleVariation exact_tilted;              // what as many exact samples show
  Rows samples;                              // [N, d], data units
};

/// The class itself.
struct GuidanceReference {
  double spread = 0;                 // trace of its covariance
  std::size_t mode_count = 0;        // components or rows
  std::vector<std::uint32_t> modes;  // numbers of the components; empty without a law
  Estimate modes_hit;                // that as many exact draws of the class hit, and the deviation of one such count
};

struct GuidanceReport {
  GuidanceReference reference;
  std::vector<GuidanceResult> results;  // in the order of the trials; fewer when cancelled
  std::optional<TiltedDensity> tilted;  // in the plane, of a law

  bool complete(const GuidanceSweep& sweep) const { return results.size() == sweep.trials.size(); }
};

/// Throws Error for what sweep_guidance() would refuse before it samples: fewer than 2 seeds, a law that has no density
/// in the plane.
void check_sweep(const GuidanceSweep& sweep);

/// Nothing depends on batch or threads. When cancelled it returns what is finished. Throws Error for a label without
/// rows or components and when the samples are over the memory limit.
GuidanceReport sweep_guidance(const GuidanceSweep& sweep, const Context& context);

/// Distinct values among n draws of which `once` were drawn once: the jackknife's standard error,
/// sqrt((n - 1)/n once (1 - once/n)) (Efron & Stein 1981).
double distinct_error(std::size_t once, std::size_t n);

/// Distinct values among n draws from equal or unequal probabilities: the mean sum_k 1 - (1 - p_k)^n, and the standard
/// deviation of one such count.
Estimate expected_distinct(std::span<const double> probabilities, std::size_t n);

}  // namespace scorefield

// How far one field is from another, across noise levels: a model held against the exact field.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/field/field.h"
#include "scorefield/metrics/intervals.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

/// At one noise level, over data with noise on them. Means of Euclidean lengths, data units, with their standard
/// errors.
struct NoisedDeviation {
  double sigma = 0;
  Estimate apart;        // |D(x) - D*(x)|, D of the model, D* exact
  Estimate model_error;  // |D(x) - x_0|
  Estimate exact_error;  // |D*(x) - x_0|, whose mean square no other D goes below
};

/// At x = x_0 + sigma n, where seed k gives x_0, a draw of the exact field's law, and n, the same at every level.
/// levels: above 0, or inf. label: the class of all rows and of both fields, -1: none. Throws Error where the fields
/// have different dimensions, and as Field::ask does.
std::vector<NoisedDeviation> deviation_on_noised_data(const Field& model, const Field& exact,
                                                      std::span<const double> levels,
                                                      std::span<const std::uint64_t> seeds, int label,
                                                      const Context& context);

/// At one noise level of two runs from the same noise, one in the model (x) and one in the exact field (x*): the four
/// distances of Chen et al. 2023 (arXiv 2305.19947, figures of section 5). Means over the runs as above.
struct TrajectoryDeviation {
  double sigma = 0;
  Estimate states;    // |x - x*|
  Estimate denoised;  // |D(x) - D*(x*)|
  Estimate on_model;  // |D(x) - D*(x)|
  Estimate on_exact;  // |D(x*) - D*(x*)|
};

struct TrajectoryDeviations {
  std::vector<TrajectoryDeviation> levels;  // those at which the sampler asks the field (observed_levels())
  Estimate ends;                            // |x - x*| where the runs end
  Rows model_ends;                          // [B, d], data units
  Rows exact_ends;
};

/// sampling: of the exact field; its step_noise must be null (seeds give both runs the same noise).
/// Throws Error as sample() does, where the fields have different dimensions, and for memory over the limit.
TrajectoryDeviations deviation_on_trajectories(const Field& model, const Sampling& sampling,
                                               std::span<const std::uint64_t> seeds, int label, const Context& context);

}  // namespace scorefield

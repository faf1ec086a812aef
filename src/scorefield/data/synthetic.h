// Synthetic data sets with a known truth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// The law that rows are drawn from, as plain numbers: component k has the probability weights[k], and a row of it is
///     means[k] + factors_k z + noise_sd z' + half_side (2 u - 1),   z in R^rank, z' in R^d normal, u uniform in
///     (0,1)^d.
struct SyntheticTruth {
  std::vector<double> weights;  // [K], sum 1
  Rows means;                   // [K, d]
  std::size_t rank = 0;
  std::vector<double> factors;  // [K, d, rank]: component k has the covariance F F^T + noise_sd^2 I
  double noise_sd = 0.0;
  std::vector<std::int32_t> labels;  // [K], the class of each component; empty: rows have no labels
  double half_side = 0.0;  // not 0: components are uniform over cubes (the checkerboard's squares), rank = noise_sd = 0

  /// Row-major [d, rank].
  RowsView<const double> factor(std::size_t k) const {
    return {factors.data() + k * means.cols() * rank, means.cols(), rank};
  }
};

struct SyntheticData {
  Dataset data;  // float64, shape {d}; a row has the label of its component
  SyntheticTruth truth;
};

std::vector<std::string> synthetic_names();

/// One line a set: its name, parameters with their defaults, and what it is.
std::vector<std::string> synthetic_descriptions();

/// True when the part before ':' is a synthetic set's name.
bool is_synthetic(std::string_view spec);

/// `spec`: NAME or NAME:parameter=value,... such as `ring:modes=8,n=2000,seed=1`. Row i depends on the seed and i
/// alone, so a longer set begins with the shorter one, and another seed draws other rows from the same truth (of
/// `mixture`, whose truth is itself random, too: `truth` is the seed of that). Throws Error on unknown names and
/// parameters (with those that are near) and on values out of range.
SyntheticData make_synthetic(std::string_view spec, const Context& context);

}  // namespace scorefield

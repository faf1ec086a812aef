// What a classifier says about samples: how sure it is, and which classes there are.
#pragma once

#include <cstdint>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/metrics/grouped_rows.h"

namespace scorefield {

/// Entropies in nats; p(k | x) are the rows of probabilities.
struct ClassMetrics {
  Estimate entropy;          // mean_x H(p(. | x)): 0 where the classifier is sure of every sample
  Estimate entropy_of_mean;  // H(mean_x p(. | x)): log K where all classes are equally frequent
  /// exp(H(mean p) - mean H(p)), from 1 to K: the inception score (Salimans et al. 2016) in one split.
  Estimate inception_score;
  /// sum_k |share_k - share of the data_k| / 2 of the most probable classes: 0 to 1, biased upwards by about sqrt(K/N).
  Estimate total_variation;
  std::vector<double> shares;       // [K], of the most probable class of every sample (ties: the lower)
  std::vector<double> data_shares;  // [K], of the data
};

/// data: [N, K], samples: [M, K]. Throws Error for fewer than three rows, differing K, and a row that is negative
/// somewhere or does not sum to 1 within 1e-4.
ClassMetrics class_metrics(RowsView<const double> data, RowsView<const double> samples, std::uint64_t seed);

}  // namespace scorefield

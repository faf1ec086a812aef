// What a query asks of a posterior p(x_0 | x_0 + sigma n = x), and what it gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scorefield/base/rows.h"

namespace scorefield {

/// What is wanted of a field for every query. One pass answers all of it.
struct Request {
  bool denoised = true;
  bool log_density = false;
  /// Posterior entropy, effective sample size and largest weight.
  bool posterior = false;
  /// tr Cov[x_0 | x]; the divergence of D is trace / sigma^2.
  bool covariance_trace = false;
  /// How many of the heaviest rows (or components) to name; at most the number that there are.
  std::size_t top_k = 0;
  /// [B, d] directions v: answers Cov[x_0 | x] v; the Jacobian-vector product of D is that / sigma^2. Empty: not asked.
  RowsView<const double> directions{};
};

/// Answers in the order of the queries; a part that was not asked for is empty.
struct Answer {
  Rows denoised;                              // [B, d], data units
  std::vector<double> log_density;            // nats, log p_sigma(x); at sigma = inf of the unit noise, log N(x; 0, I)
  std::vector<double> entropy;                // nats, of the posterior weights
  std::vector<double> effective_sample_size;  // 1 / sum w^2
  std::vector<double> largest_weight;
  std::vector<double> covariance_trace;  // data units squared
  Rows covariance_product;               // [B, d], Cov v, data units squared times the units of v
  std::size_t top_k = 0;                 // columns of the two below: row-major [B, top_k], heaviest first
  std::vector<std::uint32_t> top_rows;   // ties: the lower row first
  std::vector<double> top_weights;
};

}  // namespace scorefield

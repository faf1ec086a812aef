#include "scorefield/base/pca.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/eigen.h"
#include "scorefield/base/error.h"
#include "scorefield/base/gram.h"
#include "scorefield/base/row_moments.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

/// The vectors of the covariance from those of the Gram matrix: X^T u / |X^T u|, X the centred rows.
void to_row_space(const StoredRows& rows, const std::vector<double>& mean, Eigenpairs& pairs, const Context& context) {
  const std::size_t n = row_count(rows);
  const std::size_t d = row_length(rows);
  const std::size_t k = pairs.values.size();
  Rows vectors(k, d);
  run_tasks(context.pool, k, [&](std::size_t c, int /*worker*/) {
    // Below this the direction is rounding: eigenvalues carry an error of about N eps times the largest.
    if (pairs.values[c] <= static_cast<double>(n) * 0x1p-52 * pairs.values[0]) {
      pairs.values[c] = 0;
      return;
    }
    std::vector<double> row(d);
    const auto out = vectors[c];
    for (std::size_t i = 0; i < n; ++i) {
      read_row(rows, Affine{}, i, row);
      for (std::size_t j = 0; j < d; ++j) out[j] += pairs.vectors(c, i) * (row[j] - mean[j]);
    }
    double square = 0;
    double largest = 0;
    for (double v : out) {
      square += v * v;
      if (std::abs(v) > std::abs(largest)) largest = v;
    }
    for (double& v : out) v *= std::copysign(1.0 / std::sqrt(square), largest);
  });
  pairs.vectors = std::move(vectors);
}

}  // namespace

PrincipalComponents principal_components(const StoredRows& rows, const Affine& affine, std::size_t components,
                                         const Context& context) {
  const std::size_t n = row_count(rows);
  const std::size_t d = row_length(rows);
  if (components > std::min(n, d)) {
    throw Error(fmt::format("{} principal components asked of {} rows of length {}; at most {} exist", components, n, d,
                            std::min(n, d)));
  }
  const RowMoments moments = row_moments(rows, {}, context);
  const std::vector<double>& mean = moments.mean;
  Eigenpairs pairs;
  if (n >= d) {
    const auto read = [&](std::size_t i, std::span<double> out) {
      read_row(rows, Affine{}, i, out);
      for (std::size_t j = 0; j < d; ++j) out[j] -= mean[j];
    };
    pairs = largest_eigenpairs(gram_matrix(n, d, read, context), components);
  } else {
    const auto read = [&](std::size_t j, std::span<double> out) {
      std::visit(
          [&](const auto& view) {
            for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<double>(view(i, j)) - mean[j];
          },
          rows);
    };
    pairs = largest_eigenpairs(gram_matrix(d, n, read, context), components);
    to_row_space(rows, mean, pairs, context);
  }
  // Stored units until here: the affine map scales variances and moves the mean.
  PrincipalComponents result;
  const double square = affine.scale * affine.scale;
  result.total_variance = square * moments.variance;
  for (double v : mean) result.mean.push_back(affine.to_data(v));
  for (double v : pairs.values) result.variances.push_back(square * std::max(0.0, v) / static_cast<double>(n));
  result.vectors = std::move(pairs.vectors);
  return result;
}

}  // namespace scorefield

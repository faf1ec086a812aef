#include "scorefield/metrics/spectrum.h"

#include <algorithm>
#include <utility>

#include "scorefield/base/pca.h"
#include "scorefield/base/subset.h"

namespace scorefield {
namespace {

/// Of the principal components of n rows: the products of one half of a symmetric matrix, and its eigenvectors.
double work(std::size_t n, std::size_t d) {
  const auto small = static_cast<double>(std::min(n, d));
  return 0.5 * static_cast<double>(n) * static_cast<double>(d) * small + 10.0 * small * small * small;
}

}  // namespace

std::size_t affordable_rows(std::size_t n, std::size_t d, double multiply_adds) {
  if (work(n, d) <= multiply_adds) return n;
  std::size_t low = 1;
  std::size_t high = n;  // cannot be paid for
  while (low + 1 < high) {
    const std::size_t middle = low + (high - low) / 2;
    (work(middle, d) <= multiply_adds ? low : high) = middle;
  }
  return low;
}

Spectrum spectrum(const Dataset& data, std::uint64_t seed, const Context& context, double multiply_adds) {
  Spectrum result;
  result.rows = affordable_rows(data.size(), data.dimension(), multiply_adds);
  context.report("principal components", 0, 1);
  const Dataset part = result.rows < data.size() ? data.select(random_subset(seed, data.size(), result.rows)) : data;
  PrincipalComponents found =
      principal_components(part.stored(), part.affine(), std::min(part.size(), part.dimension()), context);
  context.report("principal components", 1, 1);
  result.total_variance = found.total_variance;
  result.variances = std::move(found.variances);
  result.mean = std::move(found.mean);
  result.leading = Rows(std::min<std::size_t>(2, found.vectors.rows()), data.dimension());
  for (std::size_t k = 0; k < result.leading.rows(); ++k)
    std::ranges::copy(found.vectors[k], result.leading[k].begin());
  return result;
}

std::size_t components_for(const Spectrum& spectrum, double share) {
  if (spectrum.total_variance <= 0.0) return 0;
  // The variances sum to the total but for rounding.
  const double wanted = std::min(share, 1.0 - 1e-12) * spectrum.total_variance;
  double sum = 0.0;
  for (std::size_t k = 0; k < spectrum.variances.size(); ++k) {
    sum += spectrum.variances[k];
    if (sum >= wanted) return k + 1;
  }
  return spectrum.variances.size();
}

Rows leading_scores(const Spectrum& spectrum, const Dataset& data, std::span<const std::size_t> rows) {
  Rows scores(rows.size(), spectrum.leading.rows());
  std::vector<double> row(data.dimension());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    data.row(rows[i], row);
    for (std::size_t k = 0; k < scores.cols(); ++k) {
      for (std::size_t c = 0; c < row.size(); ++c) scores(i, k) += (row[c] - spectrum.mean[c]) * spectrum.leading(k, c);
    }
  }
  return scores;
}

}  // namespace scorefield

#include "scorefield/metrics/class_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

double entropy(std::span<const double> p) {
  double sum = 0;
  for (const double v : p) {
    if (v > 0) sum -= v * std::log(v);
  }
  return sum;
}

/// Sums over the rows of each group.
struct Sums {
  const GroupedRows& rows;
  Rows probabilities;             // [G, K]
  Rows counts;                    // [G, K], of the most probable class
  std::vector<double> entropies;  // [G]

  explicit Sums(const GroupedRows& set)
      : rows(set),
        probabilities(set.groups(), set.dimension()),
        counts(set.groups(), set.dimension()),
        entropies(set.groups()) {
    for (std::size_t i = 0; i < set.size(); ++i) {
      const std::size_t g = set.group_of(i);
      const auto p = set.rows()[i];
      for (std::size_t k = 0; k < p.size(); ++k) probabilities(g, k) += p[k];
      counts(g, static_cast<std::size_t>(std::ranges::max_element(p) - p.begin())) += 1;
      entropies[g] += entropy(p);
    }
  }

  std::vector<double> mean(const Rows& sums, std::size_t without) const {
    std::vector<double> result(sums.cols());
    for (std::size_t g = 0; g < sums.rows(); ++g) {
      if (g == without) continue;
      for (std::size_t k = 0; k < result.size(); ++k) result[k] += sums(g, k);
    }
    for (double& v : result) v /= static_cast<double>(rows.size_without(without));
    return result;
  }
  double mean_entropy(std::size_t without) const {
    double sum = 0;
    for (std::size_t g = 0; g < entropies.size(); ++g) sum += g == without ? 0 : entropies[g];
    return sum / static_cast<double>(rows.size_without(without));
  }
};

void check_probabilities(RowsView<const double> rows, std::string_view what) {
  for (std::size_t i = 0; i < rows.rows; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < rows.cols; ++k) {
      if (!(rows(i, k) >= 0)) {
        throw Error(fmt::format("{}: row {} gives class {} the probability {}", what, i, k, rows(i, k)));
      }
      sum += rows(i, k);
    }
    if (!(std::abs(sum - 1) <= 1e-4)) {
      throw Error(fmt::format("{}: row {} sums to {:.6g}; class probabilities sum to 1 (logits need a softmax first)",
                              what, i, sum));
    }
  }
}

double half_distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += std::abs(a[k] - b[k]);
  return sum / 2;
}

}  // namespace

ClassMetrics class_metrics(RowsView<const double> data, RowsView<const double> samples, std::uint64_t seed) {
  constexpr std::string_view kData = "class probabilities of the data";
  constexpr std::string_view kSamples = "class probabilities of the samples";
  if (data.cols != samples.cols) {
    throw Error(fmt::format("class probabilities of {} classes for the samples, but of {} for the data", samples.cols,
                            data.cols));
  }
  check_probabilities(data, kData);
  check_probabilities(samples, kSamples);
  const GroupedRows data_rows(data, seed, 0, kData);
  const GroupedRows sample_rows(samples, seed, 1, kSamples);
  const Sums of_data(data_rows);
  const Sums of_samples(sample_rows);
  const auto of_samples_alone = [&](const auto& statistic) {
    return jackknife(0, sample_rows.groups(), [&](std::size_t /*a*/, std::size_t b) { return statistic(b); });
  };
  ClassMetrics result;
  result.entropy = of_samples_alone([&](std::size_t b) { return of_samples.mean_entropy(b); });
  result.entropy_of_mean =
      of_samples_alone([&](std::size_t b) { return entropy(of_samples.mean(of_samples.probabilities, b)); });
  result.inception_score = of_samples_alone([&](std::size_t b) {
    return std::exp(entropy(of_samples.mean(of_samples.probabilities, b)) - of_samples.mean_entropy(b));
  });
  result.total_variation = jackknife(data_rows.groups(), sample_rows.groups(), [&](std::size_t a, std::size_t b) {
    return half_distance(of_data.mean(of_data.counts, a), of_samples.mean(of_samples.counts, b));
  });
  result.shares = of_samples.mean(of_samples.counts, kNoGroup);
  result.data_shares = of_data.mean(of_data.counts, kNoGroup);
  return result;
}

}  // namespace scorefield

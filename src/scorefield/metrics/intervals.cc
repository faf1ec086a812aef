#include "scorefield/metrics/intervals.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <unsupported/Eigen/SpecialFunctions>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

/// P(X >= k) for X ~ Binomial(n, p), 1 <= k <= n.
double upper_tail(std::size_t k, std::size_t n, double p) {
  return Eigen::numext::betainc(static_cast<double>(k), static_cast<double>(n - k + 1), p);
}

/// The p in [0, 1] where the rising function `tail` reaches `level`.
template <class Tail>
double solve(Tail tail, double level) {
  double low = 0.0;
  double high = 1.0;
  for (int step = 0; step < 200 && low < high; ++step) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (tail(middle) < level ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

void check_confidence(double confidence) {
  if (!(confidence > 0.0 && confidence < 1.0)) {
    throw Error(fmt::format("the confidence {} is not between 0 and 1", confidence));
  }
}

}  // namespace

Proportion binomial_interval(std::size_t count, std::size_t total, double confidence) {
  check_confidence(confidence);
  if (total == 0) throw Error("a proportion needs at least one trial");
  if (count > total) throw Error(fmt::format("{} successes in {} trials", count, total));
  const double half = 0.5 * (1.0 - confidence);
  Proportion result{count, total, static_cast<double>(count) / static_cast<double>(total), 0.0, 1.0};
  if (count > 0) {
    result.low = solve([&](double p) { return upper_tail(count, total, p); }, half);
  }
  if (count < total) {
    result.high = solve([&](double p) { return upper_tail(count + 1, total, p); }, 1.0 - half);
  }
  return result;
}

Estimate mean_of_sample(std::span<const double> values, std::size_t population) {
  if (values.empty()) throw Error("a mean needs at least one value");
  const std::size_t n = values.size();
  if (population != 0 && n > population) throw Error(fmt::format("{} values of a population of {}", n, population));
  double sum = 0.0;
  for (const double v : values) sum += v;
  const double mean = sum / static_cast<double>(n);
  if (n == population) return {mean, 0.0};
  if (n == 1) return {mean, std::numeric_limits<double>::quiet_NaN()};
  double squares = 0.0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  const double seen = population == 0 ? 0.0 : static_cast<double>(n) / static_cast<double>(population);
  return {mean, std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n) * (1.0 - seen))};
}

Quantile quantile_of_sample(std::span<const double> sorted, double probability, std::size_t population,
                            double confidence) {
  check_confidence(confidence);
  if (sorted.empty()) throw Error("a quantile needs at least one value");
  if (!(probability >= 0.0 && probability <= 1.0)) {
    throw Error(fmt::format("the probability {} is not between 0 and 1", probability));
  }
  const std::size_t n = sorted.size();
  const double position = probability * static_cast<double>(n - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, n - 1);
  const double share = position - static_cast<double>(below);
  // Not a + share * (b - a): infinite values (no second neighbour) must stay infinite, not become NaN.
  const double value = share == 0.0 ? sorted[below] : (1.0 - share) * sorted[below] + share * sorted[above];
  Quantile result{probability, value, value, value};
  if (n == population) return result;

  // X = how many of n values fall below the quantile is Binomial(n, probability). Of the ranks (from 1), r with
  // P(X < r) <= half bounds it from below, and s with P(X >= s) <= half from above.
  const double half = 0.5 * (1.0 - confidence);
  result.low = sorted.front();
  result.high = sorted.back();
  if (probability == 0.0 || probability == 1.0) return result;
  std::size_t low = 1;
  std::size_t end = n + 1;  // the largest rank in [low, end) that keeps 1 - P(X >= rank) <= half
  while (low + 1 < end) {
    const std::size_t middle = low + (end - low) / 2;
    (1.0 - upper_tail(middle, n, probability) <= half ? low : end) = middle;
  }
  result.low = sorted[low - 1];
  std::size_t first = 0;  // the smallest rank in (first, high] that keeps P(X >= rank) <= half
  std::size_t high = n;
  while (first + 1 < high) {
    const std::size_t middle = first + (high - first) / 2;
    (upper_tail(middle, n, probability) <= half ? high : first) = middle;
  }
  result.high = sorted[high - 1];
  return result;
}

}  // namespace scorefield

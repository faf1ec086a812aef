#include "scorefield/kernel/posterior_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

// Extended precision inside. A logit -|x - y|^2 / (2 sigma^2) is about -d/2 on a noised row, -6144 at d = 12288:
// rounded to double it is off by up to 4.5e-13, and the weight with it. In long double (64 bits) the rounding of a sum
// of d squares moves a logit L by at most (d + 3) 2^-64 |L|, and by 1e-15 at L = -6144 where roundings are independent.
using Extended = long double;

/// The posterior of one query.
class Posterior {
 public:
  Posterior(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
            std::span<const std::uint32_t> subset, std::span<const double> x, double sigma)
      : rows_(rows), affine_(affine), subset_(subset), x_(x), sigma_(sigma), row_(x.size()) {
    const std::size_t n = subset.empty() ? row_count(rows) : subset.size();
    log_priors_.resize(n);
    logits_.resize(n);
    weights_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      log_priors_[i] = log_weights.empty() ? 0.0L : Extended{log_weights[row_number(i)]};
      logits_[i] = std::isinf(sigma) ? log_priors_[i] : log_priors_[i] - half_square_over_variance(i);
    }
    heaviest_ = argmax(logits_);
    if (logits_[heaviest_] == -kInfinity) throw Error("every chosen row has weight 0; give one of them a weight");
    log_rest_ = std::log1p(sum_of_others(logits_, heaviest_));
    for (std::size_t i = 0; i < n; ++i) weights_[i] = std::exp(logits_[i] - logits_[heaviest_] - log_rest_);

    mean_.assign(x.size(), 0.0L);
    for (std::size_t i = 0; i < n; ++i) {
      load(i);
      for (std::size_t k = 0; k < x.size(); ++k) mean_[k] += weights_[i] * row_[k];
    }
  }

  const std::vector<Extended>& mean() const { return mean_; }

  Extended log_density() const {
    const Extended d = static_cast<Extended>(x_.size());
    const Extended log_two_pi = std::log(2.0L * std::numbers::pi_v<Extended>);
    if (std::isinf(sigma_)) {
      Extended square = 0;
      for (const double v : x_) square += Extended{v} * v;
      return -0.5L * (square + d * log_two_pi);
    }
    const std::size_t likeliest = argmax(log_priors_);
    const Extended log_prior_sum = log_priors_[likeliest] + std::log1p(sum_of_others(log_priors_, likeliest));
    return logits_[heaviest_] + log_rest_ - log_prior_sum - d * (0.5L * log_two_pi + std::log(Extended{sigma_}));
  }

  /// -sum w log w.
  Extended entropy() const {
    Extended sum = log_rest_;
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      if (weights_[i] > 0) sum -= weights_[i] * (logits_[i] - logits_[heaviest_]);
    }
    return sum;
  }

  Extended effective_sample_size() const {
    Extended squares = 0;
    for (const Extended w : weights_) squares += w * w;
    return 1.0L / squares;
  }

  Extended largest_weight() const { return weights_[heaviest_]; }

  Extended covariance_trace() const {
    Extended sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      load(i);
      for (std::size_t k = 0; k < mean_.size(); ++k) sum += weights_[i] * (row_[k] - mean_[k]) * (row_[k] - mean_[k]);
    }
    return sum;
  }

  std::vector<Extended> covariance_times(std::span<const double> v) const {
    std::vector<Extended> product(mean_.size());
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      load(i);
      Extended dot = 0;
      for (std::size_t k = 0; k < mean_.size(); ++k) dot += (row_[k] - mean_[k]) * v[k];
      for (std::size_t k = 0; k < mean_.size(); ++k) product[k] += weights_[i] * dot * (row_[k] - mean_[k]);
    }
    return product;
  }

  /// Positions of the k heaviest rows, heaviest first; ties: the lower row first.
  std::vector<std::size_t> heaviest(std::size_t k) const {
    std::vector<std::size_t> order(logits_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits_[a] > logits_[b]; });
    order.resize(k);
    return order;
  }

  Extended weight(std::size_t i) const { return weights_[i]; }
  std::uint32_t row_number(std::size_t i) const { return subset_.empty() ? static_cast<std::uint32_t>(i) : subset_[i]; }

 private:
  static constexpr Extended kInfinity = std::numeric_limits<Extended>::infinity();

  void load(std::size_t i) const { read_row(rows_, affine_, row_number(i), row_); }

  Extended half_square_over_variance(std::size_t i) const {
    load(i);
    Extended square = 0;
    for (std::size_t k = 0; k < x_.size(); ++k) {
      const Extended difference = Extended{x_[k]} - row_[k];
      square += difference * difference;
    }
    return square / (2.0L * sigma_ * sigma_);
  }

  static std::size_t argmax(const std::vector<Extended>& values) {
    return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
  }

  /// sum over i != top of exp(values[i] - values[top]): kept apart from the leading 1, so that log1p sees all of it.
  static Extended sum_of_others(const std::vector<Extended>& values, std::size_t top) {
    Extended sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i != top) sum += std::exp(values[i] - values[top]);
    }
    return sum;
  }

  const StoredRows& rows_;
  const Affine& affine_;
  std::span<const std::uint32_t> subset_;
  std::span<const double> x_;
  double sigma_;
  std::vector<Extended> log_priors_;
  std::vector<Extended> logits_;
  std::vector<Extended> weights_;
  std::vector<Extended> mean_;
  std::size_t heaviest_ = 0;
  Extended log_rest_ = 0;  // log sum exp(logit - largest logit)
  mutable std::vector<double> row_;
};

}  // namespace

Answer posterior_reference(const StoredRows& rows, const Affine& affine, std::span<const double> log_weights,
                           RowsView<const double> x, std::span<const double> sigma,
                           std::span<const std::uint32_t> subset, const Request& request) {
  const std::size_t n = subset.empty() ? row_count(rows) : subset.size();
  const auto to_double = [](Extended v) { return static_cast<double>(v); };
  Answer answer;
  answer.top_k = std::min(request.top_k, n);
  if (request.denoised) answer.denoised = Rows(x.rows, x.cols);
  if (request.directions.rows > 0) answer.covariance_product = Rows(x.rows, x.cols);
  for (std::size_t q = 0; q < x.rows; ++q) {
    const Posterior posterior(rows, affine, log_weights, subset, x[q], sigma.size() == 1 ? sigma[0] : sigma[q]);
    if (request.denoised)
      std::transform(posterior.mean().begin(), posterior.mean().end(), answer.denoised[q].begin(), to_double);
    if (request.log_density) answer.log_density.push_back(to_double(posterior.log_density()));
    if (request.posterior) {
      answer.entropy.push_back(to_double(posterior.entropy()));
      answer.effective_sample_size.push_back(to_double(posterior.effective_sample_size()));
      answer.largest_weight.push_back(to_double(posterior.largest_weight()));
    }
    if (request.covariance_trace) answer.covariance_trace.push_back(to_double(posterior.covariance_trace()));
    if (request.directions.rows > 0) {
      const std::vector<Extended> product = posterior.covariance_times(request.directions[q]);
      std::transform(product.begin(), product.end(), answer.covariance_product[q].begin(), to_double);
    }
    for (const std::size_t i : posterior.heaviest(answer.top_k)) {
      answer.top_rows.push_back(posterior.row_number(i));
      answer.top_weights.push_back(to_double(posterior.weight(i)));
    }
  }
  return answer;
}

}  // namespace scorefield

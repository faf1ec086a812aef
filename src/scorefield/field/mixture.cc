#include "scorefield/field/mixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Where the components of a class stand in members_; those of all classes (-1) stand first.
std::size_t place_of(int label) {
  return label < 0 ? 0 : static_cast<std::size_t>(label) + 1;
}

/// log N(delta; 0, C + sigma^2 I).
double log_normal(const Covariance& c, double sigma, std::span<const double> delta) {
  const double variance = sigma * sigma;
  const double log_determinant = c.trace([&](double v) { return std::log(2 * std::numbers::pi * (v + variance)); });
  return -0.5 * (log_determinant + c.quadratic([&](double v) { return 1 / (v + variance); }, delta));
}

double log_unit_normal(std::span<const double> x) {
  const double square = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
  return -0.5 * (square + static_cast<double>(x.size()) * std::log(2 * std::numbers::pi));
}

/// One query's posterior over the components in `members`.
class ComponentPosterior {
 public:
  ComponentPosterior(const std::vector<GaussianComponent>& components, const std::vector<std::uint32_t>& members,
                     std::span<const double> x, double sigma)
      : components_(components),
        members_(members),
        x_(x),
        sigma_(sigma),
        logits_(members.size()),
        weights_(members.size()) {
    std::vector<double> log_priors(members.size());
    std::vector<double> delta(x.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      const GaussianComponent& component = components_[members[i]];
      log_priors[i] = std::log(component.weight);
      logits_[i] = log_priors[i];
      if (std::isinf(sigma) || component.weight == 0) continue;
      subtract(x, component.mean, delta);
      logits_[i] += log_normal(component.covariance, sigma, delta);
    }
    // The largest logit may be -1e12 (a small sigma, far from every component): what is added to it stays apart.
    const LogSum sum = log_sum_exp(logits_);
    entropy_ = sum.log_rest;
    for (std::size_t i = 0; i < members.size(); ++i) {
      weights_[i] = std::exp(logits_[i] - sum.top - sum.log_rest);
      if (weights_[i] > 0) entropy_ -= weights_[i] * (logits_[i] - sum.top);
    }
    const LogSum prior = log_sum_exp(log_priors);
    log_density_ = std::isinf(sigma) ? log_unit_normal(x) : sum.top + sum.log_rest - prior.top - prior.log_rest;
  }

  double log_density() const { return log_density_; }
  double entropy() const { return entropy_; }
  double effective_sample_size() const {
    return 1 / std::inner_product(weights_.begin(), weights_.end(), weights_.begin(), 0.0);
  }
  double largest_weight() const { return *std::max_element(weights_.begin(), weights_.end()); }

  /// D_k of every component with weight, and D.
  void evaluate_means() {
    means_ = Rows(members_.size(), x_.size());
    mean_.assign(x_.size(), 0);
    std::vector<double> delta(x_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (weights_[i] == 0) continue;
      const GaussianComponent& component = components_[members_[i]];
      const std::span<double> d = means_[i];
      if (!std::isinf(sigma_)) {
        subtract(x_, component.mean, delta);
        component.covariance.multiply([&](double v) { return v / (v + sigma_ * sigma_); }, delta, d);
      }
      for (std::size_t k = 0; k < d.size(); ++k) {
        d[k] += component.mean[k];
        mean_[k] += weights_[i] * d[k];
      }
    }
  }

  const std::vector<double>& mean() const { return mean_; }

  double covariance_trace() const {
    double sum = 0;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (weights_[i] == 0) continue;
      double spread = components_[members_[i]].covariance.trace(posterior_variance());
      for (std::size_t k = 0; k < mean_.size(); ++k) spread += std::pow(means_(i, k) - mean_[k], 2);
      sum += weights_[i] * spread;
    }
    return sum;
  }

  void covariance_times(std::span<const double> v, std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    std::vector<double> within(v.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (weights_[i] == 0) continue;
      components_[members_[i]].covariance.multiply(posterior_variance(), v, within);
      double dot = 0;
      for (std::size_t k = 0; k < v.size(); ++k) dot += (means_(i, k) - mean_[k]) * v[k];
      for (std::size_t k = 0; k < v.size(); ++k) {
        out[k] += weights_[i] * (within[k] + dot * (means_(i, k) - mean_[k]));
      }
    }
  }

  void heaviest(std::size_t k, std::uint32_t* rows, double* weights) const {
    std::vector<std::size_t> order(weights_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits_[a] > logits_[b]; });
    for (std::size_t i = 0; i < k; ++i) {
      rows[i] = members_[order[i]];
      weights[i] = weights_[order[i]];
    }
  }

 private:
  static void subtract(std::span<const double> a, const std::vector<double>& b, std::vector<double>& out) {
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = a[k] - b[k];
  }

  struct LogSum {
    double top;
    double log_rest;  // log sum exp(value - top), at least 0
  };
  static LogSum log_sum_exp(const std::vector<double>& values) {
    const auto top = std::max_element(values.begin(), values.end());
    double others = 0;
    for (auto value = values.begin(); value != values.end(); ++value) {
      if (value != top) others += std::exp(*value - *top);
    }
    return {*top, std::log1p(others)};
  }

  /// sigma^2 v / (v + sigma^2), in a form that sigma = inf does not break.
  std::function<double(double)> posterior_variance() const {
    return [this](double v) { return v / (1 + v / (sigma_ * sigma_)); };
  }

  const std::vector<GaussianComponent>& components_;
  const std::vector<std::uint32_t>& members_;
  std::span<const double> x_;
  double sigma_;
  std::vector<double> logits_;  // they rank also where the weights underflow
  std::vector<double> weights_;
  double log_density_ = -kInf;
  double entropy_ = 0;
  Rows means_;
  std::vector<double> mean_;
};

}  // namespace

GaussianMixture::GaussianMixture(std::vector<GaussianComponent> components) : components_(std::move(components)) {
  if (components_.empty()) throw Error("a mixture needs at least one component");
  const std::size_t d = components_[0].mean.size();
  if (d == 0) throw Error("a mixture needs a dimension of at least 1");
  double total = 0;
  int largest_label = -1;
  for (std::size_t i = 0; i < components_.size(); ++i) {
    const GaussianComponent& component = components_[i];
    if (component.mean.size() != d || component.covariance.dimension() != d) {
      throw Error(fmt::format("component {} has a mean of {} values and a covariance of dimension {}, expected {}", i,
                              component.mean.size(), component.covariance.dimension(), d));
    }
    if (!std::all_of(component.mean.begin(), component.mean.end(), [](double v) { return std::isfinite(v); })) {
      throw Error(fmt::format("the mean of component {} holds a value that is not finite", i));
    }
    if (!(component.weight >= 0 && std::isfinite(component.weight))) {
      throw Error(fmt::format("component {} has weight {}; weights are finite and not negative", i, component.weight));
    }
    if (component.label < -1) throw Error(fmt::format("component {} has label {}", i, component.label));
    total += component.weight;
    largest_label = std::max(largest_label, component.label);
  }
  if (!(total > 0)) throw Error("the weights of a mixture sum to 0");

  mean_.assign(d, 0);
  members_.resize(place_of(largest_label) + 1);
  for (std::size_t i = 0; i < components_.size(); ++i) {
    GaussianComponent& component = components_[i];
    component.weight /= total;
    members_[0].push_back(static_cast<std::uint32_t>(i));
    if (component.label >= 0) {
      members_[place_of(component.label)].push_back(static_cast<std::uint32_t>(i));
    }
    for (std::size_t k = 0; k < d; ++k) mean_[k] += component.weight * component.mean[k];
  }
  for (const GaussianComponent& component : components_) {
    double spread = component.covariance.trace([](double v) { return v; });
    for (std::size_t k = 0; k < d; ++k) spread += std::pow(component.mean[k] - mean_[k], 2);
    variance_ += component.weight * spread;
  }
}

Capabilities GaussianMixture::capabilities() const {
  return {.log_density = true,
          .posterior = true,
          .covariance = true,
          .top_k = true,
          .labels = members_.size() > 1,
          .draw = true};
}

const std::vector<std::uint32_t>& GaussianMixture::members(int label) const {
  const auto& found = members_.at(place_of(label));
  const bool drawable =
      std::any_of(found.begin(), found.end(), [&](std::uint32_t i) { return components_[i].weight > 0; });
  if (!drawable) throw Error(fmt::format("no component of the mixture has label {} and a weight above 0", label));
  return found;
}

Answer GaussianMixture::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                            const Request& request, const Context& context) const {
  check_query(x, sigma, labels, request, members_.size() - 1);
  const auto of_row = [](const auto& values, std::size_t i) { return values[values.size() == 1 ? 0 : i]; };
  const auto members_of = [&](std::size_t i) -> const std::vector<std::uint32_t>& {
    return members(labels.empty() ? -1 : of_row(labels, i));
  };

  Answer answer;
  answer.top_k = std::min(request.top_k, components_.size());
  for (std::size_t i = 0; i < labels.size(); ++i) answer.top_k = std::min(answer.top_k, members_of(i).size());
  context.check_memory(2 * x.rows * x.cols * sizeof(double), "the answers of a mixture");
  if (request.denoised) answer.denoised = Rows(x.rows, x.cols);
  if (request.directions.rows > 0) answer.covariance_product = Rows(x.rows, x.cols);
  if (request.log_density) answer.log_density.resize(x.rows);
  if (request.posterior) {
    answer.entropy.resize(x.rows);
    answer.effective_sample_size.resize(x.rows);
    answer.largest_weight.resize(x.rows);
  }
  if (request.covariance_trace) answer.covariance_trace.resize(x.rows);
  answer.top_rows.resize(x.rows * answer.top_k);
  answer.top_weights.resize(x.rows * answer.top_k);

  const auto answer_row = [&](std::size_t i) {
    ComponentPosterior posterior(components_, members_of(i), x[i], of_row(sigma, i));
    if (request.log_density) answer.log_density[i] = posterior.log_density();
    if (request.posterior) {
      answer.entropy[i] = posterior.entropy();
      answer.effective_sample_size[i] = posterior.effective_sample_size();
      answer.largest_weight[i] = posterior.largest_weight();
    }
    posterior.heaviest(answer.top_k, answer.top_rows.data() + i * answer.top_k,
                       answer.top_weights.data() + i * answer.top_k);
    if (!request.denoised && !request.covariance_trace && request.directions.rows == 0) return;
    posterior.evaluate_means();
    if (request.denoised) std::copy(posterior.mean().begin(), posterior.mean().end(), answer.denoised[i].begin());
    if (request.covariance_trace) answer.covariance_trace[i] = posterior.covariance_trace();
    if (request.directions.rows > 0) posterior.covariance_times(request.directions[i], answer.covariance_product[i]);
  };
  // Each row is answered alone, so how many go into a task changes no bit.
  constexpr std::size_t kRowsPerTask = 64;
  run_tasks(context.pool, (x.rows + kRowsPerTask - 1) / kRowsPerTask, [&](std::size_t task, int) {
    context.check_cancelled();
    const std::size_t end = std::min(x.rows, (task + 1) * kRowsPerTask);
    for (std::size_t i = task * kRowsPerTask; i < end; ++i) answer_row(i);
  });
  return answer;
}

std::vector<double> GaussianMixture::class_probabilities() const {
  std::vector<double> shares(members_.size() - 1);
  if (shares.empty()) return shares;
  for (std::size_t i = 0; i < components_.size(); ++i) {
    const GaussianComponent& component = components_[i];
    if (component.label < 0) throw Error(fmt::format("component {} of the mixture has no class, others have one", i));
    shares[static_cast<std::size_t>(component.label)] += component.weight;
  }
  return shares;
}

void GaussianMixture::draw(std::uint64_t seed, int label, std::span<double> out) const {
  if (label < -1 || label + 2 > static_cast<int>(members_.size())) {
    throw Error(fmt::format("label {} is unknown to the mixture", label));
  }
  const auto& candidates = members(label);
  double total = 0;
  for (const std::uint32_t i : candidates) total += components_[i].weight;
  double left = total * RandomStream(seed, Purpose::kDataChoice).uniform(0);
  std::uint32_t chosen = candidates[0];
  for (const std::uint32_t i : candidates) {
    if (components_[i].weight == 0) continue;
    chosen = i;
    left -= components_[i].weight;
    if (left < 0) break;
  }
  std::vector<double> noise(out.size());
  RandomStream(seed, Purpose::kDataNoise).normals(noise);
  components_[chosen].covariance.multiply([](double v) { return std::sqrt(v); }, noise, out);
  for (std::size_t k = 0; k < out.size(); ++k) out[k] += components_[chosen].mean[k];
}

}  // namespace scorefield

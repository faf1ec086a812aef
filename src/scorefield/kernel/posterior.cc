#include "scorefield/kernel/posterior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/row_moments.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/posterior_fast.h"
#include "scorefield/kernel/posterior_precise.h"

namespace scorefield {
namespace {

/// log pi_i with sum pi_i = 1, and pi_i. Empty for equal weights.
struct Priors {
  std::vector<double> log_weights;
  std::vector<double> weights;
};

Priors normalised(std::span<const double> log_weights, std::size_t rows) {
  if (log_weights.empty()) return {};
  if (log_weights.size() != rows) throw Error(fmt::format("{} weights for {} rows", log_weights.size(), rows));
  for (std::size_t i = 0; i < rows; ++i) {
    if (std::isnan(log_weights[i]) || log_weights[i] == std::numeric_limits<double>::infinity()) {
      throw Error(
          fmt::format("the log-weight of row {} is {}; it must be finite, or -inf for none", i, log_weights[i]));
    }
  }
  const double largest = *std::max_element(log_weights.begin(), log_weights.end());
  if (std::isinf(largest)) throw Error("every row has weight 0; give one of them a weight");
  double sum = 0;
  for (const double w : log_weights) sum += std::exp(w - largest);
  Priors priors;
  for (const double w : log_weights) {
    priors.log_weights.push_back(w - largest - std::log(sum));
    priors.weights.push_back(std::exp(w - largest) / sum);
  }
  return priors;
}

/// log sum pi_i over a subset (empty: over all n rows).
double log_sum_of_priors(std::span<const double> log_weights, std::span<const std::uint32_t> subset, std::size_t n) {
  if (log_weights.empty()) return std::log(static_cast<double>(n));
  if (subset.empty()) return 0;
  double largest = -std::numeric_limits<double>::infinity();
  for (const std::uint32_t i : subset) largest = std::max(largest, log_weights[i]);
  if (std::isinf(largest)) throw Error("every chosen row has weight 0; give one of them a weight");
  double sum = 0;
  for (const std::uint32_t i : subset) sum += std::exp(log_weights[i] - largest);
  return largest + std::log(sum);
}

Answer sized_answer(std::size_t queries, std::size_t dimension, const Request& request, std::size_t top_k) {
  Answer answer;
  if (request.denoised) answer.denoised = Rows(queries, dimension);
  if (request.log_density) answer.log_density.resize(queries);
  if (request.posterior) {
    answer.entropy.resize(queries);
    answer.effective_sample_size.resize(queries);
    answer.largest_weight.resize(queries);
  }
  if (request.covariance_trace) answer.covariance_trace.resize(queries);
  if (request.directions.rows > 0) answer.covariance_product = Rows(queries, dimension);
  answer.top_k = top_k;
  answer.top_rows.resize(queries * top_k);
  answer.top_weights.resize(queries * top_k);
  return answer;
}

void copy_answer(const Answer& from, std::size_t i, Answer& to, std::size_t q) {
  const auto copy = [i, q](const auto& source, auto& target, std::size_t width) {
    if (!source.empty()) std::copy_n(source.data() + i * width, width, target.data() + q * width);
  };
  copy(from.denoised, to.denoised, from.denoised.cols());
  copy(from.log_density, to.log_density, 1);
  copy(from.entropy, to.entropy, 1);
  copy(from.effective_sample_size, to.effective_sample_size, 1);
  copy(from.largest_weight, to.largest_weight, 1);
  copy(from.covariance_trace, to.covariance_trace, 1);
  copy(from.covariance_product, to.covariance_product, from.covariance_product.cols());
  copy(from.top_rows, to.top_rows, to.top_k);
  copy(from.top_weights, to.top_weights, to.top_k);
}

/// The queries that f32 cannot answer, and what it leaves open.
struct Doubles {
  const StoredRows& rows;
  const Affine& affine;
  std::span<const double> log_weights;
  const Context& context;

  Answer answer(RowsView<const double> x, std::span<const double> sigma, std::span<const std::uint32_t> subset,
                const Request& request) const {
    return posterior_precise(rows, affine, log_weights, x, sigma, subset, request, context);
  }

  /// Ranks the candidates for top_k by their logits in double.
  void rank(std::span<const double> x, double sigma, const FastPosterior& found, Answer& part) const {
    std::vector<std::pair<double, std::uint32_t>> ranked;
    std::vector<double> row(x.size());
    for (const std::uint32_t number : found.top_candidates) {
      read_row(rows, affine, number, row);
      double square = 0;
      for (std::size_t k = 0; k < x.size(); ++k) square += (x[k] - row[k]) * (x[k] - row[k]);
      const double logit = (log_weights.empty() ? 0 : log_weights[number]) - square / (2 * sigma * sigma);
      ranked.emplace_back(-logit, number);
    }
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(part.top_k), ranked.end());
    for (std::size_t r = 0; r < part.top_k; ++r) {
      part.top_rows[r] = ranked[r].second;
      part.top_weights[r] = std::exp(-ranked[r].first - found.log_sum);
    }
  }
};

Request request_of(const Request& request, std::size_t q, std::size_t count) {
  Request part = request;
  if (request.directions.rows > 0) part.directions = request.directions.slice(q, count);
  return part;
}

// Below these, double costs as little as f32.
constexpr std::size_t kFewRows = 256;
constexpr std::size_t kFewColumns = 16;

}  // namespace

struct PosteriorKernel::State {
  StoredRows rows;
  Affine affine;
  std::vector<double> log_weights;
  std::vector<double> mean;  // data units
  double variance = 0;       // data units squared
  FastRows fast;
};

PosteriorKernel::PosteriorKernel(StoredRows rows, Affine affine, std::span<const double> log_weights,
                                 const Context& context) {
  const std::size_t n = row_count(rows);
  if (n == 0 || row_length(rows) == 0) throw Error("the data set is empty");
  if (n > std::numeric_limits<std::uint32_t>::max()) throw Error(fmt::format("{} rows; at most 2^32 - 1", n));
  context.check_memory(16 * n, "the preparation of the data set");
  Priors priors = normalised(log_weights, n);
  const RowMoments moments = row_moments(rows, priors.weights, context);
  const double spread = std::sqrt(moments.variance);
  state_ = std::make_unique<State>(State{rows, affine, std::move(priors.log_weights), moments.mean,
                                         affine.scale * affine.scale * moments.variance,
                                         FastRows{CentredRows(rows, affine, moments.mean, spread), {}, {}, 0, 0}});
  for (double& m : state_->mean) m = affine.to_data(m);
  state_->fast.log_weights = state_->log_weights;
  state_->fast.rms = std::sqrt(state_->variance) * state_->fast.rows.units_per_data();
  state_->fast.half_norms = state_->fast.rows.half_norms(context);
  const auto& norms = state_->fast.half_norms;
  state_->fast.longest = std::sqrt(2.0 * static_cast<double>(*std::max_element(norms.begin(), norms.end())));
}

PosteriorKernel::~PosteriorKernel() = default;
PosteriorKernel::PosteriorKernel(PosteriorKernel&&) noexcept = default;
PosteriorKernel& PosteriorKernel::operator=(PosteriorKernel&&) noexcept = default;

std::size_t PosteriorKernel::size() const {
  return row_count(state_->rows);
}
std::size_t PosteriorKernel::dimension() const {
  return row_length(state_->rows);
}
std::span<const double> PosteriorKernel::mean() const {
  return state_->mean;
}
double PosteriorKernel::variance() const {
  return state_->variance;
}

Answer PosteriorKernel::evaluate(RowsView<const double> x, std::span<const double> sigma,
                                 std::span<const std::uint32_t> subset, const Request& request, Precision precision,
                                 const Context& context) const {
  const Doubles doubles{state_->rows, state_->affine, state_->log_weights, context};
  const std::size_t n = subset.empty() ? size() : subset.size();
  if (precision == Precision::kPrecise || n <= kFewRows || dimension() <= kFewColumns || state_->variance == 0) {
    return doubles.answer(x, sigma, subset, request);
  }

  std::vector<double> sigmas(x.rows);
  for (std::size_t q = 0; q < x.rows; ++q) sigmas[q] = sigma.size() == 1 ? sigma[0] : sigma[q];
  Answer answer = sized_answer(x.rows, dimension(), request, std::min(request.top_k, n));
  Rows denoised(x.rows, dimension());
  const std::vector<FastPosterior> found = posterior_fast(state_->fast, x, sigmas, subset, answer.top_k,
                                                          request.directions.rows == 0, denoised.view(), context);
  const double log_prior_sum = log_sum_of_priors(state_->log_weights, subset, n);

  run_tasks(context.pool, x.rows, [&](std::size_t q, int /*worker*/) {
    if (found[q].verdict == FastPosterior::Verdict::kSurvivors) {
      Answer part = doubles.answer(x.slice(q, 1), {&sigmas[q], 1}, found[q].survivors, request_of(request, q, 1));
      // The survivors are a data set of their own there: its weights sum to 1, theirs to their share of all.
      for (double& l : part.log_density) {
        l += log_sum_of_priors(state_->log_weights, found[q].survivors, found[q].survivors.size()) - log_prior_sum;
      }
      copy_answer(part, 0, answer, q);
    } else if (found[q].verdict == FastPosterior::Verdict::kAnswered) {
      Answer part = sized_answer(1, dimension(), request, answer.top_k);
      if (request.denoised) std::copy(denoised[q].begin(), denoised[q].end(), part.denoised.data());
      if (request.log_density) {
        const double log_volume = std::log(2 * std::numbers::pi) + 2 * std::log(sigmas[q]);
        part.log_density[0] = found[q].log_sum - log_prior_sum - static_cast<double>(dimension()) / 2 * log_volume;
      }
      if (request.posterior) {
        part.entropy[0] = found[q].entropy;
        part.effective_sample_size[0] = found[q].effective_sample_size;
        part.largest_weight[0] = found[q].largest_weight;
      }
      if (request.covariance_trace) part.covariance_trace[0] = found[q].covariance_trace;
      doubles.rank(x[q], sigmas[q], found[q], part);
      copy_answer(part, 0, answer, q);
    }
  });

  std::vector<std::size_t> unsure;
  for (std::size_t q = 0; q < x.rows; ++q) {
    if (found[q].verdict == FastPosterior::Verdict::kUnsure) unsure.push_back(q);
  }
  if (!unsure.empty()) {
    Rows unsure_x(unsure.size(), dimension());
    Rows unsure_directions(request.directions.rows == 0 ? 0 : unsure.size(), dimension());
    std::vector<double> unsure_sigma;
    for (std::size_t i = 0; i < unsure.size(); ++i) {
      std::copy(x[unsure[i]].begin(), x[unsure[i]].end(), unsure_x[i].begin());
      unsure_sigma.push_back(sigmas[unsure[i]]);
      if (request.directions.rows == 0) continue;
      std::copy(request.directions[unsure[i]].begin(), request.directions[unsure[i]].end(),
                unsure_directions[i].begin());
    }
    Request unsure_request = request;
    unsure_request.directions = unsure_directions.view();
    const Answer part = doubles.answer(unsure_x.view(), unsure_sigma, subset, unsure_request);
    for (std::size_t i = 0; i < unsure.size(); ++i) copy_answer(part, i, answer, unsure[i]);
  }
  return answer;
}

}  // namespace scorefield

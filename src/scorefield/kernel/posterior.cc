#include "scorefield/kernel/posterior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/kernel/posterior_reference.h"
#include "scorefield/kernel/row_moments.h"

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

}  // namespace

struct PosteriorKernel::State {
  StoredRows rows;
  Affine affine;
  std::vector<double> log_weights;
  std::vector<double> mean;  // data units
  double variance = 0;       // data units squared
};

PosteriorKernel::PosteriorKernel(StoredRows rows, Affine affine, std::span<const double> log_weights,
                                 const Context& context)
    : state_(std::make_unique<State>()) {
  const std::size_t n = row_count(rows);
  if (n == 0 || row_length(rows) == 0) throw Error("the data set is empty");
  if (n > std::numeric_limits<std::uint32_t>::max()) throw Error(fmt::format("{} rows; at most 2^32 - 1", n));
  context.check_memory(16 * n, "the preparation of the data set");
  Priors priors = normalised(log_weights, n);
  RowMoments moments = row_moments(rows, priors.weights, context);
  for (double& m : moments.mean) m = affine.to_data(m);
  *state_ = {rows, affine, std::move(priors.log_weights), std::move(moments.mean),
             affine.scale * affine.scale * moments.variance};
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
                                 std::span<const std::uint32_t> subset, const Request& request, Precision /*precision*/,
                                 const Context& context) const {
  context.check_cancelled();
  return posterior_reference(state_->rows, state_->affine, state_->log_weights, x, sigma, subset, request);
}

}  // namespace scorefield

#include "scorefield/base/ppca.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "scorefield/base/error.h"

namespace scorefield {

Ppca::Ppca(const StoredRows& rows, const Affine& affine, std::size_t latent, double rounding_width,
           const Context& context)
    : rounding_variance_(rounding_width * rounding_width / 12) {
  const std::size_t d = row_length(rows);
  if (latent >= d) {
    throw Error(fmt::format("probabilistic principal components of {} latents for rows of {} values; it takes fewer",
                            latent, d));
  }
  PrincipalComponents components = principal_components(rows, affine, latent, context);
  double rest = components.total_variance;
  for (const double variance : components.variances) {
    rest -= variance;
    variances_.push_back(variance + rounding_variance_);
  }
  // What is left over below the rounding of the sum is nothing.
  const double rounding = static_cast<double>(d) * 0x1p-50 * components.total_variance;
  noise_ = (rest > rounding ? rest / static_cast<double>(d - latent) : 0) + rounding_variance_;
  if (!(noise_ > 0)) {
    throw Error(fmt::format("the rows lie in {} dimensions: their Gaussian has no density", latent));
  }
  mean_ = std::move(components.mean);
  vectors_ = std::move(components.vectors);
}

double Ppca::log_density(std::span<const double> x) const {
  const std::size_t d = mean_.size();
  ensure(x.size() == d, "a row of the model's length");
  double square = 0;
  for (std::size_t k = 0; k < d; ++k) square += (x[k] - mean_[k]) * (x[k] - mean_[k]);
  const auto others = static_cast<double>(d - latent());
  double log_volume = others * std::log(noise_);
  // E_u of the squared distance: the trace of the inverse covariance times the variance of u joins it.
  double distance = others * rounding_variance_ / noise_;
  for (std::size_t c = 0; c < latent(); ++c) {
    const auto vector = vectors_[c];
    double along = 0;
    for (std::size_t k = 0; k < d; ++k) along += vector[k] * (x[k] - mean_[k]);
    square -= along * along;
    distance += (along * along + rounding_variance_) / variances_[c];
    log_volume += std::log(variances_[c]);
  }
  distance += std::max(square, 0.0) / noise_;
  return -0.5 * (static_cast<double>(d) * std::log(2 * std::numbers::pi) + log_volume + distance);
}

}  // namespace scorefield

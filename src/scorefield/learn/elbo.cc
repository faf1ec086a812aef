#include "scorefield/learn/elbo.h"

#include <cmath>
#include <numbers>
#include <utility>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

const double kLogTwoPi = std::log(2 * std::numbers::pi);

const Rows& below(const LatentChain& chain, std::size_t level) {
  return level == 0 ? chain.x : chain.levels[level - 1].latent;
}

/// Of z_{l-1}: only x is rounded.
double rounding_variance(const ChainLaw& law, std::size_t level) {
  return level == 0 ? law.rounding_width * law.rounding_width / 12 : 0;
}

double squared_error(const LatentChain& chain, const ChainLaw& law, std::size_t level, std::size_t row) {
  const auto value = below(chain, level)[row];
  const auto decoded = chain.levels[level].decoded[row];
  double sum = static_cast<double>(value.size()) * rounding_variance(law, level);
  for (std::size_t k = 0; k < value.size(); ++k) {
    const double error = value[k] - decoded[k];
    sum += error * error;
  }
  return sum;
}

double log_likelihood(const LatentChain& chain, const ChainLaw& law, std::size_t level, std::size_t row) {
  const double log_variance = law.log_variance[level];
  const auto d = static_cast<double>(below(chain, level).cols());
  return -0.5 * (d * (kLogTwoPi + log_variance) + squared_error(chain, law, level, row) * std::exp(-log_variance));
}

}  // namespace

double ElboTerms::weighted(double kl_weight) const {
  double above = -divergence;
  for (std::size_t l = 1; l < likelihood.size(); ++l) above += likelihood[l];
  for (const double h : entropy) above += h;
  return likelihood.front() + kl_weight * above;
}

LatentChain draw_chain(Rows x, std::size_t levels, const ApplyNetwork& apply, const FillNoise& noise) {
  ensure(levels > 0, "a level of latents");
  LatentChain chain;
  chain.x = std::move(x);
  const std::size_t rows = chain.x.rows();
  for (std::size_t l = 0; l < levels; ++l) {
    const Rows encoded = apply(l, false, below(chain, l));
    ensure(encoded.cols() % 2 == 0, "an encoder gives means and log variances");
    const std::size_t m = encoded.cols() / 2;
    LatentLevel level{Rows(rows, m), Rows(rows, m), Rows(rows, m), Rows(rows, m), {}};
    noise(l, level.noise);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < m; ++k) {
        level.mean(i, k) = encoded(i, k);
        level.log_variance(i, k) = encoded(i, m + k);
        level.latent(i, k) = encoded(i, k) + std::exp(encoded(i, m + k) / 2) * level.noise(i, k);
      }
    }
    level.decoded = apply(l, true, level.latent);
    ensure(level.decoded.cols() == below(chain, l).cols(), "a decoder gives back what was encoded");
    chain.levels.push_back(std::move(level));
  }
  return chain;
}

ElboTerms elbo_terms(const LatentChain& chain, const ChainLaw& law, std::size_t row) {
  const std::size_t levels = chain.levels.size();
  ElboTerms terms;
  for (std::size_t l = 0; l < levels; ++l) {
    const LatentLevel& level = chain.levels[l];
    terms.likelihood.push_back(log_likelihood(chain, law, l, row));
    terms.log_weight += terms.likelihood.back();
    double entropy = 0;
    double log_q = 0;
    for (std::size_t k = 0; k < level.latent.cols(); ++k) {
      const double mean = level.mean(row, k);
      const double s = level.log_variance(row, k);
      const double noise = level.noise(row, k);
      entropy += 0.5 * (kLogTwoPi + 1 + s);
      log_q -= 0.5 * (kLogTwoPi + s + noise * noise);
      if (l + 1 == levels) {
        terms.divergence += 0.5 * (mean * mean + std::expm1(s) - s);
        terms.log_weight -= 0.5 * (kLogTwoPi + level.latent(row, k) * level.latent(row, k));
      }
    }
    terms.log_weight -= log_q;
    if (l + 1 < levels) terms.entropy.push_back(entropy);
  }
  return terms;
}

std::vector<double> pull_back_elbo(const LatentChain& chain, const ChainLaw& law, double kl_weight, double share,
                                   const PullBackNetwork& pull_back) {
  const std::size_t levels = chain.levels.size();
  const std::size_t rows = chain.x.rows();
  std::vector<double> by_log_variance(levels);
  Rows from_above;  // d/d z_l through all that is above it
  for (std::size_t l = levels; l-- > 0;) {
    const LatentLevel& level = chain.levels[l];
    const Rows& value = below(chain, l);
    const bool top = l + 1 == levels;
    const double weight = share * (l == 0 ? 1 : kl_weight);
    const double precision = std::exp(-law.log_variance[l]);
    Rows cotangent(rows, value.cols());
    for (std::size_t i = 0; i < rows; ++i) {
      by_log_variance[l] +=
          0.5 * weight * (squared_error(chain, law, l, i) * precision - static_cast<double>(value.cols()));
      for (std::size_t k = 0; k < value.cols(); ++k) {
        cotangent(i, k) = weight * precision * (value(i, k) - level.decoded(i, k));
      }
    }
    Rows by_latent = pull_back(l, true, cotangent, true);
    if (!top) {
      for (std::size_t k = 0; k < by_latent.values().size(); ++k) by_latent.values()[k] += from_above.values()[k];
    }
    const std::size_t m = level.latent.cols();
    Rows encoded(rows, 2 * m);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < m; ++k) {
        const double spread = std::exp(level.log_variance(i, k) / 2);
        encoded(i, k) = by_latent(i, k) - (top ? share * kl_weight * level.mean(i, k) : 0);
        encoded(i, m + k) = 0.5 * by_latent(i, k) * spread * level.noise(i, k) +
                            0.5 * share * kl_weight * (top ? 1 - spread * spread : 1);
      }
    }
    Rows by_value = pull_back(l, false, encoded, l > 0);
    if (l == 0) break;
    // z_{l-1} stands in the likelihood of this level itself, too.
    for (std::size_t k = 0; k < by_value.values().size(); ++k) by_value.values()[k] -= cotangent.values()[k];
    from_above = std::move(by_value);
  }
  return by_log_variance;
}

}  // namespace scorefield

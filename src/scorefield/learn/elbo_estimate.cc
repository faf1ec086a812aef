#include "scorefield/learn/elbo_estimate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "scorefield/base/error.h"
#include "scorefield/base/ppca.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

constexpr std::size_t kRowsAtOnce = 256;

Estimate estimate(const LossSum& sum) {
  return {sum.mean(), sum.standard_error()};
}

/// log of the mean of exp.
double log_mean_exp(std::span<const double> values) {
  const double most = *std::ranges::max_element(values);
  double sum = 0;
  for (const double v : values) sum += std::exp(v - most);
  return most + std::log(sum / static_cast<double>(values.size()));
}

/// The draws of some rows: means of every term over draws.
struct RowMeans {
  std::vector<double> likelihood;
  std::vector<double> entropy;
  double divergence = 0;
  std::vector<double> log_weights;  // [draws]
};

void add_terms(const ElboTerms& terms, double share, RowMeans& row) {
  row.likelihood.resize(terms.likelihood.size());
  row.entropy.resize(terms.entropy.size());
  for (std::size_t l = 0; l < row.likelihood.size(); ++l) row.likelihood[l] += share * terms.likelihood[l];
  for (std::size_t l = 0; l < row.entropy.size(); ++l) row.entropy[l] += share * terms.entropy[l];
  row.divergence += share * terms.divergence;
  row.log_weights.push_back(terms.log_weight);
}

double sum(std::span<const double> values) {
  double total = 0;
  for (const double v : values) total += v;
  return total;
}

/// Sums over all rows.
struct Sums {
  LossSum elbo;
  LossSum weighted;
  std::vector<LossSum> likelihood;
  std::vector<LossSum> entropy;
  LossSum divergence;

  explicit Sums(std::size_t levels) : likelihood(levels), entropy(levels - 1) {}

  /// offset: nats from the networks' units to those reported.
  void add(RowMeans row, double offset) {
    row.likelihood.front() += offset;
    for (std::size_t l = 0; l < likelihood.size(); ++l) likelihood[l].add(row.likelihood[l]);
    for (std::size_t l = 0; l < entropy.size(); ++l) entropy[l].add(row.entropy[l]);
    divergence.add(row.divergence);
    elbo.add(sum(row.likelihood) + sum(row.entropy) - row.divergence);
    weighted.add(log_mean_exp(row.log_weights) + offset);
  }
};

}  // namespace

Estimate bits_per_dimension(const Estimate& nats, std::size_t dimension) {
  const double factor = 1 / (static_cast<double>(dimension) * std::numbers::ln2);
  return {-nats.value * factor, nats.standard_error * factor};
}

ElboEstimate estimate_elbo(const AutoencoderNetworks& networks, const ChainLaw& law, const Dataset& data,
                           std::size_t draws, std::uint64_t seed, const Context& context) {
  ensure(draws > 0 && law.log_variance.size() == networks.levels(), "draws, and a variance a level");
  const std::size_t levels = networks.levels();
  std::size_t all_latents = 0;
  for (std::size_t l = 0; l < levels; ++l) all_latents += networks.latents(l);
  const double offset = static_cast<double>(data.dimension()) * networks.units().log_unit();
  Sums sums(levels);
  std::vector<double> by_latent(networks.latents(levels - 1));
  const ApplyNetwork apply = [&](std::size_t level, bool decoder, const Rows& in) {
    return networks.apply(level, decoder, in, context);
  };
  for (std::size_t first = 0; first < data.size(); first += kRowsAtOnce) {
    context.check_cancelled();
    const std::size_t count = std::min(kRowsAtOnce, data.size() - first);
    const Rows x = networks.read(data, first, count);
    // The first encoder says the same at every draw.
    const Rows encoded = apply(0, false, x);
    std::vector<RowMeans> rows(count);
    for (std::size_t draw = 0; draw < draws; ++draw) {
      const RandomStream stream(seed, Purpose::kLatentNoise, draw);
      std::size_t before = 0;
      const FillNoise noise = [&](std::size_t /*level*/, Rows& out) {
        for (std::size_t i = 0; i < count; ++i) stream.normals(out[i], (first + i) * all_latents + before);
        before += out.cols();
      };
      const LatentChain chain = draw_chain(
          x, levels,
          [&](std::size_t level, bool decoder, const Rows& in) {
            return level == 0 && !decoder ? encoded : apply(level, decoder, in);
          },
          noise);
      const LatentLevel& top = chain.levels.back();
      for (std::size_t i = 0; i < count; ++i) {
        add_terms(elbo_terms(chain, law, i), 1 / static_cast<double>(draws), rows[i]);
        for (std::size_t k = 0; k < by_latent.size(); ++k) {
          const double s = top.log_variance(i, k);
          by_latent[k] += 0.5 * (top.mean(i, k) * top.mean(i, k) + std::expm1(s) - s);
        }
      }
    }
    for (RowMeans& row : rows) sums.add(std::move(row), offset);
    context.report("rows", static_cast<double>(first + count), static_cast<double>(data.size()));
  }
  ElboEstimate made;
  made.rows = data.size();
  made.dimension = data.dimension();
  made.draws = draws;
  made.elbo = estimate(sums.elbo);
  made.importance_weighted = estimate(sums.weighted);
  for (const LossSum& term : sums.likelihood) made.likelihood.push_back(estimate(term));
  for (const LossSum& term : sums.entropy) made.entropy.push_back(estimate(term));
  made.divergence = estimate(sums.divergence);
  for (const double total : by_latent) {
    made.divergence_of_latent.push_back(total / static_cast<double>(draws * data.size()));
  }
  return made;
}

Estimate ppca_log_likelihood(const Dataset& training, const Dataset& data, std::size_t latent, double rounding_width,
                             const Context& context) {
  const Ppca model(training.stored(), training.affine(), latent, rounding_width, context);
  const double offset = rounding_width > 0 ? static_cast<double>(data.dimension()) * std::log(rounding_width) : 0;
  std::vector<double> densities(data.size());
  constexpr std::size_t kBlock = 64;
  run_tasks(context.pool, (data.size() + kBlock - 1) / kBlock, [&](std::size_t block, int /*worker*/) {
    context.check_cancelled();
    std::vector<double> row(data.dimension());
    for (std::size_t i = block * kBlock; i < std::min(data.size(), (block + 1) * kBlock); ++i) {
      data.row(i, row);
      densities[i] = model.log_density(row) + offset;
    }
  });
  LossSum sum;
  for (const double density : densities) sum.add(density);
  return estimate(sum);
}

}  // namespace scorefield

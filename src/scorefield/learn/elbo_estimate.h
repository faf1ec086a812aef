// The ELBO of an autoencoder on rows of data, and the likelihood of probabilistic principal components beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/learn/autoencoder.h"
#include "scorefield/learn/trainer.h"
#include "scorefield/metrics/estimate.h"

namespace scorefield {

/// Means over rows, with errors over rows taken as independent (0 for fewer than two). Nats of a row: of its 8-bit
/// values (minus these are at least the nats that a code for them takes) where the autoencoder was trained on such,
/// else of its density per data unit^d.
struct ElboEstimate {
  std::size_t rows = 0;
  std::size_t dimension = 0;
  std::size_t draws = 0;
  Estimate elbo;
  Estimate importance_weighted;      // of all draws at once: at least the ELBO in expectation
  std::vector<Estimate> likelihood;  // [L]: E log p(z_{l-1} | z_l)
  std::vector<Estimate> entropy;     // [L - 1]
  Estimate divergence;
  /// KL(q(z_L | z_{L-1}) | N(0, 1)) by latent of the top, nats: how many of them are in use. [m_L]
  std::vector<double> divergence_of_latent;
};

/// -nats/(d log 2), and its error.
Estimate bits_per_dimension(const Estimate& nats, std::size_t dimension);

/// `draws` of all latents a row; draw k of row i is a function of (seed, k, i) alone. law: as Autoencoder::law().
/// Throws Error as check_rows() does.
ElboEstimate estimate_elbo(const AutoencoderNetworks& networks, const ChainLaw& law, const Dataset& data,
                           std::size_t draws, std::uint64_t seed, const Context& context);

/// log p of the rows of `data` under PPCA of `latent` dimensions fitted to `training`: in the units, and for 8-bit
/// data with the dequantisation, of estimate_elbo().
Estimate ppca_log_likelihood(const Dataset& training, const Dataset& data, std::size_t latent, double rounding_width,
                             const Context& context);

}  // namespace scorefield

// The evidence lower bound of a chain of Gaussian latents, and its gradient: of a variational autoencoder (one level),
// and of the Markovian hierarchy above it.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/base/rows.h"

namespace scorefield {

/// Level l of a draw for some rows, l = 1 .. L; z_0 is x.
struct LatentLevel {
  Rows mean;          // [rows, m_l]: q(z_l | z_{l-1}) = N(mean, diag exp(log_variance))
  Rows log_variance;  // [rows, m_l]
  Rows noise;         // [rows, m_l], unit
  Rows latent;        // [rows, m_l]: z_l = mean + exp(log_variance/2) noise
  Rows decoded;       // [rows, m_{l-1}]: p(z_{l-1} | z_l) = N(decoded, exp(ChainLaw::log_variance[l-1]) I)
};

/// A draw of z_1, ..., z_L given x, through a Markov chain each way; the top has the prior N(0, I).
struct LatentChain {
  Rows x;  // [rows, d], the networks' units
  std::vector<LatentLevel> levels;
};

/// What is learnt besides the networks, and the units.
struct ChainLaw {
  std::vector<double> log_variance;  // [L]
  /// Of the interval that was rounded to a value of x (8-bit data: one step); 0: x is exact. The likelihood is then
  /// E_u log p(x + u | z_1) with u uniform over that interval: a lower bound of the log of its integral, the
  /// probability of the rounded values (Theis et al. 2016, section 3.1). In closed form for a Gaussian: width^2/12
  /// joins each squared error.
  double rounding_width = 0;
};

/// What one row of a draw says, nats. With log densities of x in the networks' units.
struct ElboTerms {
  std::vector<double> likelihood;  // [L]: log p(z_{l-1} | z_l)
  std::vector<double> entropy;     // [L - 1]: of q(z_l | z_{l-1}), l < L, in closed form
  double divergence = 0;           // KL(q(z_L | z_{L-1}) | N(0, I)), in closed form
  /// log p(x, z_1, ..., z_L)/q(z_1, ..., z_L | x): its mean over draws is the ELBO too, and log mean exp of it the
  /// importance-weighted bound (Burda et al. 2016).
  double log_weight = 0;

  /// sum likelihood + sum entropy - divergence (Luo 2022, eq. 21 and 27).
  double elbo() const { return weighted(1); }
  /// log p(x | z_1) + kl_weight (all other terms): for one level Higgins et al. 2017.
  double weighted(double kl_weight) const;
};

/// Applies the encoder of a level, whose output is [mean, log variance], or its decoder. level = 0 .. L - 1.
using ApplyNetwork = std::function<Rows(std::size_t level, bool decoder, const Rows& in)>;
/// Writes unit normals: out [rows, m_l].
using FillNoise = std::function<void(std::size_t level, Rows& out)>;

LatentChain draw_chain(Rows x, std::size_t levels, const ApplyNetwork& apply, const FillNoise& noise);

ElboTerms elbo_terms(const LatentChain& chain, const ChainLaw& law, std::size_t row);

/// Takes d/d output of a network to its weights; returns d/d input where `wants_input`.
using PullBackNetwork = std::function<Rows(std::size_t level, bool decoder, const Rows& cotangent, bool wants_input)>;

/// The gradient of share * (sum over rows of ElboTerms::weighted(kl_weight)) by reparametrisation: through each network
/// once, from the top. Returns that in the log variances of the law, [L].
std::vector<double> pull_back_elbo(const LatentChain& chain, const ChainLaw& law, double kl_weight, double share,
                                   const PullBackNetwork& pull_back);

}  // namespace scorefield

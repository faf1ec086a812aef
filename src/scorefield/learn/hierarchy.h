// What an autoencoder that is trained is made of: its networks by level, and its weights.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "scorefield/learn/autoencoder.h"
#include "scorefield/learn/trainer.h"
#include "scorefield/learn/weights.h"

namespace scorefield {

struct LevelArchitecture {
  net::Architecture encoder;
  net::Architecture decoder;
};

/// The encoders and decoders of a hierarchy whose levels have `latents` values: `likeness` says their kind (for the
/// first level: "mlp", or "encoder" for convolutions of images; levels above are "mlp") and hyperparameters.
/// shape: of the data, {d} or {C, H, W}. Throws Error for no level, and for one of no latents.
std::vector<LevelArchitecture> hierarchy(const net::Architecture& likeness, const std::vector<std::size_t>& shape,
                                         const std::vector<std::size_t>& latents);

/// The tensors of an autoencoder: encoder, decoder (by level), then what with_variances() adds.
std::vector<NetworkTensors> autoencoder_tensors(const std::vector<LevelArchitecture>& levels);
/// The tensors of encoders and decoders, and after them the log variances of the likelihoods in units of kVarianceGain.
std::vector<NetworkTensors> with_variances(std::vector<NetworkTensors> networks);

/// Adam moves a weight by about the learning rate a step, however large the gradient; the variance of a likelihood
/// falls by orders of magnitude and has to keep up with the networks.
inline constexpr double kVarianceGain = 10;

/// The log variances of the likelihoods, [L], that weights of these tensors hold.
std::vector<double> log_variances(const Weights& weights, std::span<const float> values);

/// The autoencoder of such weights, without the standardisation of latents. values: Trainer::average().
Autoencoder autoencoder_of(const std::vector<LevelArchitecture>& levels, const Weights& weights,
                           std::span<const float> values, const AutoencoderUnits& units);

/// WorkerNetworks of autoencoder_tensors().
std::vector<WorkerNetworks> worker_networks(const std::vector<LevelArchitecture>& levels, const Weights& weights,
                                            net::Arithmetic arithmetic, int workers);

}  // namespace scorefield

// Data sets in the latent space of an autoencoder, and the way back from rows there to rows of data.
#pragma once

#include <filesystem>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/learn/autoencoder.h"

namespace scorefield {

/// Mean and deviation of the means of q(z_1 | x) over rows of `data`, at most 4096 drawn at random, into
/// Autoencoder::latent_mean and latent_deviation. A latent that never changes keeps the deviation 1.
void standardise_latents(Autoencoder& autoencoder, const Dataset& data, const Context& context);

/// The standardised means of q(z_1 | x): rows [m_1], float32, with the labels of `data` and a note of the autoencoder.
/// Throws Error as check_rows() does.
Dataset latents_of(const Dataset& data, const Autoencoder& autoencoder, const std::string& digest,
                   const Context& context);

/// An .npz that opens as the data set `latents` again: arr_0, arr_1 (labels, where there are any), latent_mean and
/// latent_deviation [m_1], and kAutoencoderKey.
void write_latents(const std::filesystem::path& path, const Dataset& latents, const Autoencoder& autoencoder,
                   const std::string& digest);

/// The means of p(x | z_1) at standardised latents: rows as the autoencoder's data, 8-bit values rounded and clipped,
/// else float32; labels go along. Throws Error where rows have another length than latents.
Dataset decode_latents(const Dataset& latents, const Autoencoder& autoencoder, const Context& context);

}  // namespace scorefield

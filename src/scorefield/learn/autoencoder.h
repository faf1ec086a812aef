// A trained variational autoencoder, or a Markovian hierarchy of them: its networks, its file, and the two ways through
// it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/form.h"
#include "scorefield/learn/elbo.h"
#include "scorefield/learn/evaluator.h"
#include "scorefield/learn/model_file.h"

namespace scorefield {

struct AutoencoderLevel {
  SavedNetwork encoder;     // z_{l-1} -> [mean, log variance] of q(z_l | z_{l-1}); z_0 is the row
  SavedNetwork decoder;     // z_l -> mean of p(z_{l-1} | z_l)
  double log_variance = 0;  // of p(z_{l-1} | z_l), one for all values
};

/// What the networks see of a row: (x - centre)/scale.
struct AutoencoderUnits {
  std::vector<double> centre;  // [d], data units
  double scale = 1;
  /// Of one step of 8-bit values, data units; 0 for data that was not rounded.
  double rounding_width = 0;

  /// The networks' density into the one that is reported: nats a value to add to a log density. Per 8-bit value
  /// (a probability) where there is a rounding width, else per data unit.
  double log_unit() const;
};

/// The centre and deviation of the data as trained denoisers see it (centred_law()), and the rounding of its values.
AutoencoderUnits autoencoder_units(const Dataset& data, const Context& context);

struct Autoencoder {
  DataForm data;
  AutoencoderUnits units;
  std::vector<AutoencoderLevel> levels;  // one: a VAE
  /// Of the means of q(z_1 | x) over training rows: latents are (mean - latent_mean)/latent_deviation. [m_1]
  std::vector<double> latent_mean;
  std::vector<double> latent_deviation;
  nlohmann::json training;

  std::size_t latents() const { return levels.front().decoder.architecture.input.size(); }
  ChainLaw law() const;
};

void write_autoencoder(const std::filesystem::path& path, const Autoencoder& autoencoder);

/// Throws Error (with the path) as read_model() does, for a model of another kind, and for sizes that do not fit.
Autoencoder read_autoencoder(const std::filesystem::path& path, const Context& context);

/// An autoencoder's networks, asked for any number of rows from any thread; each row has the same bits whatever else is
/// asked.
class AutoencoderNetworks {
 public:
  explicit AutoencoderNetworks(const Autoencoder& autoencoder);
  /// Networks of the caller's: encoder and decoder by level.
  AutoencoderNetworks(AutoencoderUnits units, std::vector<std::shared_ptr<const Evaluator>> networks);

  std::size_t levels() const { return networks_.size() / 2; }
  std::size_t latents(std::size_t level) const { return networks_[2 * level + 1]->input_size(); }
  std::size_t dimension() const { return units_.centre.size(); }
  const AutoencoderUnits& units() const { return units_; }

  /// Rows first, first + 1, ... of the data in the networks' units. [count, d]
  Rows read(const Dataset& data, std::size_t first, std::size_t count) const;
  /// As ApplyNetwork says.
  Rows apply(std::size_t level, bool decoder, const Rows& in, const Context& context) const;
  /// Means of q(z_1 | x) of rows from read(). [rows, m_1]
  Rows encode(const Rows& x, const Context& context) const;
  /// z_1 of `count` draws of the hierarchy: z_L ~ N(0, I), then p(z_{l-1} | z_l). Draw i is a function of (seed, i).
  Rows draw_latents(const ChainLaw& law, std::size_t count, std::uint64_t seed, const Context& context) const;
  /// Means of p(x | z_1), data units. z: [rows, m_1], not standardised.
  Rows decode(const Rows& z, const Context& context) const;

 private:
  AutoencoderUnits units_;
  std::vector<std::shared_ptr<const Evaluator>> networks_;
};

}  // namespace scorefield

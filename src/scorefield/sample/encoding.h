// From data to the noise that makes it, and back: an ODE solver run upward, then down again.
#pragma once

#include <cstddef>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/run/run_folder.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

struct Encoding {
  const Dataset& data;  // whose field it is; its units and shape are those of the pictures
  /// Of an ODE sampler; levels descend, all above 0 and finite. The way up takes them backwards: the rows stand at the
  /// last level as they are, without noise.
  Sampling sampling;
  Dataset rows;    // what is encoded, data units
  int label = -1;  // of every row; -1 is unconditional
  std::size_t batch = 64;
  bool one_way = false;  // no way back
};

/// |returned - row| / sqrt(d), over the rows: error per coordinate, data units.
struct RoundTrip {
  double rms = 0;  // over rows and coordinates
  double median = 0;
  double q90 = 0;
  double q99 = 0;
  double largest = 0;             // of a row
  double largest_coordinate = 0;  // of any coordinate of any row
};

struct EncodingReport {
  std::size_t finished = 0;  // of the rows; fewer when cancelled, and nothing below is set then
  std::size_t requested = 0;
  bool complete() const { return finished == requested; }
  /// |latent| / sqrt(d): 1 up to 1/sqrt(2 d) for a draw of N(0, I).
  double mean_latent_norm = 0;
  double least_latent_norm = 0;
  double most_latent_norm = 0;
  double evaluations_up = 0;  // of the field, a row, mean
  double evaluations_down = 0;
  RoundTrip round_trip;  // unless one_way
  double seconds = 0;    // of this process
};

/// Throws Error for a sampler that solves no ODE, for levels that do not fit, and when a batch is over the memory
/// limit.
void check_encoding(const Encoding& encoding, const Context& context);

/// Encodes every row that the folder does not hold yet, in batches; then writes
///   latents.npy   [N, d] f64: the state at the first level over its sigma, unit noise for sample_from() or
///                 `scorefield sample --noise`
///   encoding.npz  input, returned [N, d], data units; error [N] (RoundTrip); without returned and error when one_way
///   report.json;  pictures: encoding.png (images: row, latent, return; points in the plane: both clouds)
/// None of it depends on batch, threads or on how often the run was interrupted. When cancelled it writes nothing but
/// keeps what is finished.
EncodingReport run_encoding(const Encoding& encoding, RunFolder& folder, const Context& context);

/// The unit that run_encoding() marks done in the folder of a complete run.
inline constexpr const char* kEncodingDone = "encoding";

}  // namespace scorefield

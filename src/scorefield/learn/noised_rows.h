// Training rows with noise on them: x = x_0 + sigma n, as a network is shown them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scorefield/learn/batch_loader.h"
#include "scorefield/learn/loss_weight.h"
#include "scorefield/learn/network.h"
#include "scorefield/learn/noise_law.h"
#include "scorefield/learn/preconditioning.h"

namespace scorefield {

struct NoisingOptions {
  std::vector<double> centre;  // [d], data units: rows are seen about it
  std::shared_ptr<const Preconditioner> preconditioner;
  LossWeight weight;
  /// The density of noise levels in the loss.
  std::shared_ptr<const NoiseLaw> law;
  /// Where the levels are drawn from, each counting law/proposal times as much: the loss is the same on average
  /// wherever the proposal's density is not 0. Null: the law itself.
  std::shared_ptr<const NoiseLaw> proposal;
  bool antithetic = true;
};

/// Some rows of a batch. All of [rows, d] are in data units about the centre.
struct NoisedBatch {
  std::uint64_t node = 0;           // of the random numbers: the step, or one that no step has
  std::size_t first = 0;            // place of the first row in the whole batch
  Rows clean;                       // x_0
  Rows state;                       // x
  std::vector<double> sigma;        // [rows]
  std::vector<double> weight;       // of |D - x_0|^2, law/proposal included
  std::vector<Preconditioning> at;  // [rows]
  std::vector<float> input;         // [rows, d]: in * x
  std::vector<float> label;         // [rows]
  std::vector<std::int32_t> classes;

  std::size_t rows() const { return sigma.size(); }
  net::Batch for_network() const { return {rows(), input.data(), label.data(), classes.data()}; }
  /// D of row i from what the network said, about the centre. output, out: [d].
  void denoised(std::size_t i, const float* output, std::span<double> out) const;
};

/// Rows, levels and noise of each step, a function of the loader's seed and the step alone. Const and thread-safe.
class NoisedRows {
 public:
  NoisedRows(BatchLoader loader, NoisingOptions options);
  /// The first batch of `loader` at fixed noise that no training step has, on levels spread evenly over the law; for a
  /// loss that can be compared from step to step.
  static NoisedRows held_out(BatchLoader loader, NoisingOptions options);

  const BatchLoader& loader() const { return loader_; }
  NoisedBatch make(std::uint64_t step, std::size_t first, std::size_t count) const;
  /// "sigma from 0.01 to 13": of a whole step.
  std::string describe(std::uint64_t step) const;

 private:
  double level(std::uint64_t step, std::size_t row) const;

  BatchLoader loader_;
  NoisingOptions options_;
  NoiseShares shares_;
  bool fixed_ = false;
};

}  // namespace scorefield

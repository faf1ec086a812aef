// Counter-based random numbers: a number is a function of its address, never of what was drawn before.
// Philox 4x32-10 (Salmon et al. 2011), keyed by the seed; the counter holds (purpose, node, element).
#pragma once

#include <cstdint>
#include <span>

namespace scorefield {

/// What the numbers are for; two purposes never share a stream. Values are part of the file format: append only.
enum class Purpose : std::uint16_t {
  kInitialNoise = 1,  // the unit noise a sampler starts from
  kStepNoise = 2,     // the Brownian path of SDE samplers; node = its dyadic node
  kDataChoice = 3,    // which row or component is drawn
  kDataNoise = 4,     // noise inside synthetic data and drawn samples
  kSubset = 5,        // random subsets and permutations
  kProbe = 6,         // random directions and probes of estimators
  kTest = 7,
  kFreshNoise = 8,       // noise of samplers outside the Brownian path; node = leaf of log sigma * 2^32 + number
  kInitialWeights = 9,   // of networks; node = the tensor's number
  kTrainingNoise = 10,   // noise added to training rows; node = step, element = row of the batch * d + value
  kTrainingChoice = 11,  // noise levels, dropped labels, flips, probes of a training row; node = step
  kLatentNoise = 12,     // of latents drawn from a posterior; node = draw, element = row * latents + value
};

/// The stream of one (seed, purpose, node). Copyable, has no state that drawing changes.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t node = 0)
      : seed_(seed), purpose_(purpose), node_(node) {}

  /// 64 random bits at address `element` (element < 2^47).
  std::uint64_t bits(std::uint64_t element) const;
  /// Uniform in (0, 1), 52 bits, never 0 or 1.
  double uniform(std::uint64_t element) const;
  /// Uniform integer in [0, bound), unbiased to 2^-64 * bound. bound > 0.
  std::uint64_t below(std::uint64_t element, std::uint64_t bound) const;
  /// out[k] = the standard normal at address first + k. The transform is ours (no libm), so bits do not depend on the
  /// machine, nor on how a range is split into calls.
  void normals(std::span<double> out, std::uint64_t first = 0) const;

 private:
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint64_t node_;
};

}  // namespace scorefield

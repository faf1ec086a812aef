// AdamW, its learning rate, clipping and the moving average of the weights, on flat vectors. Every sum is taken in an
// order that depends on the length alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/thread_pool.h"
#include "scorefield/learn/network.h"

namespace scorefield {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  // of tensors that decay; decoupled from the gradient
};

/// AdamW (Loshchilov and Hutter 2019, algorithm 2, with the learning rate as factor on the decay too, as in PyTorch):
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
///   w = w - rate (decay w + m/(1 - beta1^t) / (sqrt(v/(1 - beta2^t)) + epsilon)).
class Adam {
 public:
  Adam(const AdamOptions& options, std::span<const net::Tensor> tensors);

  /// Step t = 1, 2, ... with the gradient times `gradient_scale`. Both [weights].
  void step(std::uint64_t t, double rate, double gradient_scale, std::span<const float> gradient,
            std::span<float> weights, ThreadPool* pool);

  /// m and v, [weights]: with the weights and t all of its state.
  std::span<float> first_moment() { return first_; }
  std::span<float> second_moment() { return second_; }

 private:
  struct Block {
    std::size_t begin;
    std::size_t end;
    bool decays;
  };
  AdamOptions options_;
  std::vector<Block> blocks_;
  std::vector<float> first_;
  std::vector<float> second_;
};

/// sqrt(sum g^2), in double.
double norm(std::span<const float> gradient, ThreadPool* pool);
/// sum = sum + term, each value rounded once.
void add(std::span<const float> term, std::span<float> sum, ThreadPool* pool);

enum class RateDecay { kConstant, kCosine, kInverseSqrt };

/// The learning rate of each step: a rise to `rate` in `warm_up` steps, then its decay. Counts steps, never time.
struct RateSchedule {
  double rate = 1e-3;
  std::uint64_t warm_up = 0;
  RateDecay decay = RateDecay::kConstant;
  std::uint64_t steps = 1;  // of the run: where cosine reaches 0
  std::uint64_t hold = 1;   // inverse-sqrt: falls as sqrt(hold / step) from there

  /// step = 0, 1, ...
  double at(std::uint64_t step) const;
};

/// "constant", "cosine" or "inverse-sqrt:STEPS" into a schedule. Throws Error for anything else.
void set_decay(std::string_view spec, RateSchedule& schedule);

/// The moving average of the weights, ema = beta ema + (1 - beta) w after each step.
struct AverageOptions {
  enum class Kind { kNone, kDecay, kHalfLife };
  Kind kind = Kind::kHalfLife;
  double decay = 0.999;       // beta itself, of kDecay
  double half_life = 500000;  // in training rows (Karras et al. 2022)
  double ramp_up = 0.05;      // the half-life is at most this share of the rows seen so far

  /// beta after step = 0, 1, ... of `batch` rows each; 0 where there is no average.
  double beta(std::uint64_t step, std::size_t batch) const;
};

/// "none", "decay:BETA" or "half-life:ROWS[,RAMP]". Throws Error for anything else.
AverageOptions average_options(std::string_view spec);

void update_average(double beta, std::span<const float> weights, std::span<float> average, ThreadPool* pool);

}  // namespace scorefield

// From seeds to samples: the loop that every sampler shares.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/field/field.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {

/// What an observer sees before each step: the states at a noise level, and what the field answered there.
struct Observation {
  std::size_t step;  // 0 at sigma_max
  double sigma;
  RowsView<const double> x;  // [B, d], VE frame, data units; unit noise where sigma = inf
  const Answer& answer;
};

class Observer {
 public:
  virtual ~Observer() = default;
  /// What the field is asked for at every level, besides the denoised mean.
  virtual const Request& request() const = 0;
  virtual void observe(const Observation& observation) = 0;
};

enum class Start {
  kNoise,  // N(0, sigma_max^2 I), as a trained model has to
  kExact,  // p_sigma_max itself: a draw of the data plus noise
};

struct Sampling {
  const Field& field;
  const Sampler& sampler;
  /// Strictly descending; may begin with inf, may end with 0 (noise_levels()).
  std::vector<double> levels;
  /// In whose time the methods that refer to one step; null: sigma itself (EDM's time).
  const Process* process = nullptr;
  Start start = Start::kNoise;
};

struct Samples {
  Rows x;                       // [B, d], data units
  std::size_t evaluations = 0;  // of the field, a sample
};

/// One sample a seed; sample k depends on seeds[k] (and its label) alone, whatever else is in the batch.
/// labels: empty, one for all, or one a seed; -1 is unconditional. A first step from sigma = inf is x = D + sigma_1 n
/// for every sampler. Throws Error for levels that do not descend, Cancelled when the caller asked to stop.
Samples sample(const Sampling& sampling, std::span<const std::uint64_t> seeds, std::span<const int> labels,
               Observer* observer, const Context& context);

/// E|x_0|^2 of the field's own law, data units squared.
double second_moment(const Field& field);

/// A bound in nats on KL(p_sigma_max || N(0, sigma_max^2 I)): what starting from plain noise costs,
/// E|x_0|^2 / (2 sigma_max^2) (convexity of KL over the data). 0 at sigma_max = inf.
double start_mismatch(double second_moment, double sigma_max);

/// The smallest sigma_max with start_mismatch <= bound.
double fitting_sigma_max(double second_moment, double bound);

}  // namespace scorefield

// From seeds to samples: the loop that every sampler shares.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/field/field.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {

/// What an observer sees at each noise level: the states, and what the field answered there.
struct Observation {
  std::size_t step;  // 0 at the first level
  double sigma;
  RowsView<const double> x;  // [B, d], VE frame, data units; unit noise where sigma = inf
  const Answer& answer;      // only `denoised` in an analytical first step
};

class Observer {
 public:
  virtual ~Observer() = default;
  /// What the field is asked for at every level, besides the denoised mean.
  virtual const Request& request() const = 0;
  virtual void observe(const Observation& observation) = 0;
};

enum class Start {
  kNoise,    // N(0, sigma_max^2 I), as a trained model has to
  kProcess,  // N(0, I) in the process's own coordinates (those of a variance-preserving one: x ~ N(0, (1 + sigma^2) I))
  kExact,    // p_sigma_max itself: a draw of the data plus noise
};

/// Noise that is added before a level's evaluation (Karras et al. 2022, algorithm 2): from sigma up to
/// sigma (1 + gamma), gamma = min(amount / steps, sqrt(2) - 1), where sigma is within [sigma_min, sigma_max].
struct Churn {
  double amount = 0;  // S_churn
  double sigma_min = 0;
  double sigma_max = std::numeric_limits<double>::infinity();
  double noise = 1;  // S_noise: a factor on it
};

struct Sampling {
  const Field& field;
  const SamplerEntry& sampler;
  /// Strictly descending; may begin with inf, may end with 0 (noise_levels()). Strictly ascending, above 0 and finite,
  /// for an ODE sampler that runs upward, from data to noise.
  std::vector<double> levels;
  /// In whose time the methods that refer to one step; null: sigma itself (EDM's time).
  const Process* process = nullptr;
  Start start = Start::kNoise;
  SamplerOptions options;
  Churn churn;  // of ODE samplers without memory
  /// AFS (Dockhorn et al. 2022): the first evaluation is not made; eps = x/sqrt(1 + sigma^2) stands for it, the noise
  /// prediction for data N(0, I).
  bool analytical_first_step = false;
  /// ODE-Jump (Chen et al. 2023): the result is D at the last level, not the state.
  bool jump = false;
  /// Noise of the steps, such as recorded_noise(), which one run uses up; null: the seeds' own.
  StepNoise* step_noise = nullptr;
};

/// `sampling` in another field, which must live as long.
Sampling with_field(const Field& field, const Sampling& sampling);

struct Samples {
  Rows x;                                // [B, d], data units
  std::vector<std::size_t> evaluations;  // of the field, a sample
};

/// One sample a seed; sample k depends on seeds[k] (and its label) alone, whatever else is in the batch.
/// labels: empty, one for all, or one a seed; -1 is unconditional. From sigma = inf a sampler without
/// steps_from_infinity() goes by x = D + sigma_1 n; a last step to 0 where the process does not reach it is x = D.
/// Throws Error for levels that do not descend (or, for an ODE sampler, ascend), for options that do not go together,
/// Cancelled when the caller asked to stop.
Samples sample(const Sampling& sampling, std::span<const std::uint64_t> seeds, std::span<const int> labels,
               Observer* observer, const Context& context);

/// The same from given states. states[i]: [B, d], those at levels[i], VE frame (unit noise at sigma = inf); the run
/// goes on from the last of them, with the field's answers at all of them as its past.
Samples sample_from(const Sampling& sampling, std::span<const Rows> states, std::span<const std::uint64_t> seeds,
                    std::span<const int> labels, Observer* observer, const Context& context);

/// Unit noise to the states at the first level: what Start::kNoise and kProcess make of it. noise: [B, d].
Rows states_from_noise(const Sampling& sampling, Rows noise);

/// The unit noise that sample k starts from, of seeds[k] alone. [B, dimension].
Rows initial_noise(std::span<const std::uint64_t> seeds, std::size_t dimension);

/// The noise levels that an observer sees, in order: every level but the last, raised where churn adds noise, and with
/// jump the last one too.
std::vector<double> observed_levels(const Sampling& sampling);

/// Evaluations of the field that a sample takes, found by running the sampler on a field of one number (whose noise,
/// where sampling.step_noise is given, it draws from there: one number a draw). An adaptive
/// sampler's own number depends on the field.
std::size_t evaluations_of(const Sampling& sampling);

/// E|x_0|^2 of the field's own law, data units squared.
double second_moment(const Field& field);
/// That of a class (-1: of all), from D and the posterior covariance at sigma = inf, which are those of the law itself;
/// null for a class where the field does not tell its covariance.
std::optional<double> second_moment(const Field& field, int label, const Context& context);

/// A bound in nats on KL(p_sigma_max || N(0, sigma_max^2 I)): what starting from plain noise costs,
/// E|x_0|^2 / (2 sigma_max^2) (convexity of KL over the data). 0 at sigma_max = inf.
double start_mismatch(double second_moment, double sigma_max);

/// The same bound for Start::kProcess, whose start is N(0, I/scale^2) at sigma_max in the process with this law:
/// E|x_0|^2 scale^2 / 2 + d/2 (q - 1 - log q), q = (sigma_max scale)^2.
double start_mismatch(double second_moment, std::size_t dimension, const Marginal& law);

/// The smallest sigma_max with start_mismatch <= bound.
double fitting_sigma_max(double second_moment, double bound);

}  // namespace scorefield

// What a sampler is: one step, from one noise level to the next. A sampler is one file and one line in sampler.cc's
// table.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/sample/combination.h"
#include "scorefield/sample/step_noise.h"

namespace scorefield {

/// Everything that a step may use. States are those of the VE frame, [B, d], data units.
struct Step {
  TimePoint from;
  TimePoint to;                    // to.sigma is 0 in a last step to the data, and above from.sigma on the way up
  std::size_t index = 0;           // of this step in its run: from levels[index] to levels[index + 1]
  std::span<const double> levels;  // of the run
  const Process& process;
  /// Newest first: past[0] is at `from`. As many as the run has made so far, at most Sampler::memory(). An analytical
  /// first step stands among them; a start at sigma = inf only for samplers that can step from there.
  std::span<const Evaluation> past;
  RowsView<double> next;  // out: the states at `to`
  /// D at other states: x [R, d], sigma one value or R, rows: which samples of the batch they belong to (empty: all of
  /// them, in order). Each call is one evaluation of the field for each of these samples.
  std::function<Rows(RowsView<const double> x, std::span<const double> sigma, std::span<const std::size_t> rows)> ask;
  StepNoise* noise = nullptr;
  ThreadPool* pool = nullptr;

  const Evaluation& now() const { return past[0]; }
  /// Steps of the run from this one on.
  std::size_t steps_left() const { return levels.size() - 1 - index; }
  void finish(const Combination& states) const { states.into(next, pool); }
  /// The field at a point between, above or below the two, at these states.
  Evaluation evaluate(const TimePoint& at, const Combination& states) const;
};

/// Of one batch and one run: it may remember what it did.
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// Evaluations that a step refers to, the present one included.
  virtual std::size_t memory() const { return 1; }
  /// Whether it can step from sigma = inf, in a process that gets there in finite time. For the others a first step
  /// from there is x = D + sigma_1 n, the limit of Euler's in every process.
  virtual bool steps_from_infinity() const { return false; }
  /// Whether it goes on from states of its own, so that nothing may change them between its steps.
  virtual bool keeps_states() const { return false; }
  virtual void step(const Step& step) = 0;
};

/// The second-order term of multistep DPM-Solvers.
enum class SecondOrder {
  kMidpoint,  // half of the first-order weight: the published formula
  kHeun,      // the integral of the line through two answers ("heun" in diffusers, and in k-diffusion's 3M)
};

/// What may be chosen about a sampler; each reads those that its entry names.
struct SamplerOptions {
  /// No higher order in step n - k of n than k + 1, so the last step is of first order.
  bool lower_order_final = false;
  /// Where the second evaluation of a step lies, as a share of the step: of time (heun: 1), or of log sigma (singlestep
  /// solvers of order 2: 1/2, of order 3: 1/3).
  std::optional<double> r;
  /// Where the third one lies (singlestep solvers of order 3: 2/3).
  std::optional<double> r2;
  SecondOrder second_order = SecondOrder::kMidpoint;
  /// Adaptive solvers: a step's error is at most atol + rtol |x|, root mean square over the values of a sample.
  double rtol = 1e-6;
  double atol = 1e-8;  // data units
  /// How much of the noise of the reverse SDE is added, 0 or more: 0 none, 1 all of it. A factor on the noise
  /// (ancestral samplers, DDIM) or on its variance (SDE-DPM-Solver++ multistep); the drift follows, so the law stays.
  double eta = 1;
  /// A factor on that noise, 0 or more, which the drift does not follow.
  double s_noise = 1;
  /// The family of reverse SDEs with the same marginals, in [0, 1]: noise times lambda, score part times (1 +
  /// lambda^2)/2.
  double lambda = 1;
  /// DDPM's variance, in [0, 1]: log variances from that of the posterior (0) to that of the forward transition (1).
  double variance = 1;
  /// Predictor-corrector: the sampler that makes the step, corrector steps a level, and their signal-to-noise ratio.
  std::string predictor = "reverse-diffusion";
  int corrector_steps = 1;
  double snr = 0.16;
  /// Langevin: steps a level, and their size as a share of sigma^2, in [0, 2]: epsilon / sigma_L^2 in Song and Ermon
  /// 2019 (0.2 there).
  int langevin_steps = 100;
  double langevin_step = 0.2;
};

enum class SamplerKind { kOde, kSde };

struct SamplerEntry {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::string_view summary;
  SamplerKind kind = SamplerKind::kOde;
  /// Order of the global error in the step: of the end point (ODE), or of its law (SDE, weak order). Of a multistep
  /// method when its first answers are exact: one that starts with Euler's step keeps that step's O(h^2). 0: its error
  /// does not vanish with the step (Langevin dynamics has a step size of its own).
  int order = 1;
  /// Its coefficients are those of equal steps: the order holds there, and is 2 on other smooth nodes.
  bool equal_steps = false;
  /// Evaluations of a full step; fewer in a last step to 0. 0: as many as its tolerance takes.
  int evaluations_per_step = 1;
  /// Steps in the time of a process, so that its result depends on the process.
  bool in_time = false;
  /// Names of the options that it reads.
  std::vector<std::string_view> options;
  std::unique_ptr<Sampler> (*make)(const SamplerOptions& options) = nullptr;
};

/// All samplers, in the order in which they are listed to users.
std::span<const SamplerEntry> samplers();

/// By name or alias; throws Error with near names.
const SamplerEntry& find_sampler(std::string_view name);

}  // namespace scorefield

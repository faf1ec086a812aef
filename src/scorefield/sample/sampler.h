// One step of a sampler, from one noise level to the next. A sampler is one file and one line in sampler.cc's table.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/rows.h"
#include "scorefield/process/process.h"

namespace scorefield {

/// A noise level, and where it is on the time axis of the process that the sampler steps in. Methods that refer to a
/// time step in u = s(t) x, where x = x_0 + sigma n is the state of the VE frame (one tableau, another right-hand
/// side).
struct TimePoint {
  double sigma = 0;
  double t = 0;
  Marginal law;
};

/// What a step works on. The states are those of the VE frame, [B, d], data units.
struct Step {
  TimePoint from;
  TimePoint to;                     // to.sigma < from.sigma; 0 in a last step to the data
  RowsView<double> x;               // in: states at `from`; out: states at `to`
  RowsView<const double> denoised;  // D(x; from.sigma)
  /// D at other states of the same batch; every call is one network evaluation a sample.
  std::function<Rows(RowsView<const double> x, double sigma)> denoise;
  /// Unit normals [B, d] of each sample's Brownian path between the two levels.
  std::function<Rows()> noise;
};

class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual void step(const Step& step) const = 0;
};

struct SamplerEntry {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::string_view summary;
  bool stochastic;
  /// Evaluations of one step, the one at `from` included; a last step to sigma = 0 needs one.
  int evaluations_per_step;
  const Sampler& sampler;
};

/// All samplers, in the order they are listed to users.
std::span<const SamplerEntry> samplers();

/// Evaluations of the field that a sample takes on these levels: a step from sigma = inf and one to 0 take one each.
std::size_t evaluations_of(const SamplerEntry& entry, std::span<const double> levels);

/// By name or alias; throws Error with near names.
const SamplerEntry& find_sampler(std::string_view name);

}  // namespace scorefield

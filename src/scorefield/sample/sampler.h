// One step of a sampler, from one noise level to the next. A sampler is one file and one line in sampler.cc's table.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/rows.h"

namespace scorefield {

/// A point of the time that a sampler steps in: its own state is u = s x, where x = x_0 + sigma n is the VE frame's.
struct TimePoint {
  double t = 0;
  double s = 1;
  double sigma = 0;
  double ds_dt = 0;
  double dsigma_dt = 1;
};

/// The time coordinate of methods that refer to one (DESIGN: the same tableau, another right-hand side). Takes sigma in
/// [0, inf). The default steps in sigma itself.
using Coordinate = std::function<TimePoint(double sigma)>;
TimePoint sigma_coordinate(double sigma);

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

/// By name or alias; throws Error with near names.
const SamplerEntry& find_sampler(std::string_view name);

}  // namespace scorefield

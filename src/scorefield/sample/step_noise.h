// Where the noise of stochastic samplers comes from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"

namespace scorefield {

/// Unit normals for the steps of one batch, [B, d] each.
class StepNoise {
 public:
  virtual ~StepNoise() = default;
  /// Of each sample's Brownian path over log sigma, between two noise levels (base/brownian.h): what a reverse step
  /// from `from` to `to` adds. Noise of disjoint stretches is independent, that of overlapping ones is not.
  virtual Rows between(double from, double to) = 0;
  /// Independent of the path and of other addresses: what is added on the spot (EDM's churn, Langevin steps). number <
  /// 2^32: of the draws at this sigma.
  virtual Rows fresh(double sigma, std::uint64_t number) = 0;
};

/// Sample k's noise depends on seeds[k] alone. The seeds must live as long.
std::unique_ptr<StepNoise> seeded_noise(std::span<const std::uint64_t> seeds, std::size_t dimension,
                                        const Context& context);

/// Draws that were recorded, [B, d] each, given out in the order in which they are asked for; throws Error when there
/// are no more. The draws must live as long.
std::unique_ptr<StepNoise> recorded_noise(std::span<const Rows> draws);

}  // namespace scorefield

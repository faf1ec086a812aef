// At which noise levels a model is trained (docs/theory/losses.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/learn/preconditioning.h"
#include "scorefield/process/process.h"

namespace scorefield {

/// A law of sigma, data units. Const and thread-safe.
class NoiseLaw {
 public:
  virtual ~NoiseLaw() = default;
  /// The level below which a share u of the draws lie, u in (0, 1): uniform u make draws.
  virtual double level(double u) const = 0;
  /// Its density in log sigma; 0 outside its range.
  virtual double density(double sigma) const = 0;
};

/// log sigma ~ N(mean, deviation^2) (Karras et al. 2022: -1.2 and 1.2).
std::unique_ptr<const NoiseLaw> make_log_normal(double mean, double deviation);

/// t uniform between the times of sigma_min and sigma_max in a process. sigma_max may be inf where the process gets
/// there in finite time. Throws Error where the process has no such times.
std::unique_ptr<const NoiseLaw> make_uniform_in_time(std::shared_ptr<const Process> process, double sigma_min,
                                                     double sigma_max);

/// Density in log sigma proportional to `weights` at `sigmas`, linear in between, 0 outside. At least two levels,
/// ascending, finite and above 0; weights finite, >= 0, not all 0. Throws Error otherwise.
std::unique_ptr<const NoiseLaw> make_tabulated(std::span<const double> sigmas, std::span<const double> weights);

/// "lognormal" (Karras et al.'s, whose sigma_data is 0.5, moved to target's), "lognormal:MEAN,DEVIATION", "log-uniform"
/// (from sigma_min, 0: 0.004 sigma_data, to sigma_max, inf: 160 sigma_data, as Karras et al. sample), "uniform" (in
/// the time of target's process, from sigma_min, 0: its first level, to sigma_max, inf: its last one, or 160 sigma_data
/// where it takes for ever to get there), or "table:FILE" (lines of sigma and weight, as read_points() has them).
/// Throws Error for anything else.
std::shared_ptr<const NoiseLaw> make_noise_law(const std::string& spec, const Target& target, double sigma_min,
                                               double sigma_max);

/// The shares u of a batch of `count` rows: independent, or antithetic, u_i = (u + i/count) mod 1, which cover (0, 1)
/// evenly (Kingma et al. 2021, appendix I.1). A function of seed and step alone.
class NoiseShares {
 public:
  NoiseShares(std::uint64_t seed, std::size_t count, bool antithetic)
      : seed_(seed), count_(count), antithetic_(antithetic) {}
  double of(std::uint64_t step, std::size_t row) const;

 private:
  std::uint64_t seed_;
  std::size_t count_;
  bool antithetic_;
};

}  // namespace scorefield

// The noise of stochastic samplers: one Brownian path a sample, whose clock is log sigma. The path is a function of the
// seed alone, so step counts, call order and batches never enter (docs/theory/noise.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace scorefield {

/// A d-dimensional Brownian path W over u = log sigma in [-32, 32] (sigma from 1.3e-14 to 7.9e13), refined by Levy's
/// bridge on a fixed dyadic tree. Outside, 0 and infinity included, the clock stands still at the ends.
///
/// Down to the leaves (64 * 2^-24 = 3.8e-6 wide in log sigma) the path is exact in law; a point inside a leaf is drawn
/// from the bridge between the leaf's ends with one normal a leaf, so W(u) has its exact law together with all points
/// of other leaves.
///
/// Remembers the way down to the last point, so that a step costs what lies below the node that both ends share. The
/// numbers do not depend on it. Not for use by two threads at once: one path belongs to one sample.
class BrownianPath {
 public:
  BrownianPath(std::uint64_t seed, std::size_t dimension);

  /// out = (W(to) - W(from)) / sqrt(duration(from, to)): d independent standard normals. Steps add up:
  /// with w(a, b) = sqrt(duration(a, b)) * increment(a, b), w(a, c) = w(a, b) + w(b, c) to rounding, and
  /// increment(b, a) = -increment(a, b). Zeros where the duration is 0.
  /// Throws Error for a sigma that is negative or NaN, and for two different noise levels inside one leaf.
  void increment(double sigma_from, double sigma_to, std::span<double> out);

  /// |log sigma_to - log sigma_from| on the clock, in [0, 64]: the variance of W(to) - W(from).
  static double duration(double sigma_from, double sigma_to);
  /// The leaf in which a noise level lies, below 2^24: an address for noise that belongs to that level.
  static std::uint64_t leaf_of(double sigma);

 private:
  struct Point {
    double clock;
    std::uint64_t leaf;
  };
  static Point locate(double sigma);
  /// Moves to `point` and leaves W there in here_.
  void move_to(const Point& point);
  /// out = (1 - share) left + share right + deviation * (the normals of `node`).
  void bridge(std::uint64_t node, double share, double deviation, const double* left, const double* right,
              double* out) const;

  std::uint64_t seed_;
  std::size_t dimension_;
  std::vector<double> ends_;    // W at the clock's two ends, [2, d]
  std::vector<double> middle_;  // W at the middle of each level's node on the way to leaf_, [depth, d]
  std::vector<double> here_;    // W at clock_
  std::vector<double> before_;  // W at before_clock_
  bool moved_ = false;          // middle_, here_, clock_ and leaf_ hold something
  std::uint64_t leaf_ = 0;
  double clock_ = 0.0;
  double before_clock_ = std::numeric_limits<double>::quiet_NaN();  // equal to no clock
};

}  // namespace scorefield

#include "scorefield/base/brownian.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/portable_math.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

// These are part of the noise's definition: changing one changes every stochastic sample.
constexpr double kClockEnd = 32.0;
constexpr int kDepth = 24;
constexpr std::uint64_t kLeaves = std::uint64_t{1} << kDepth;
constexpr double kLeafWidth = 2 * kClockEnd / static_cast<double>(kLeaves);

/// Nodes are numbered as in a heap: 0 is the path's far end, 2^level + position the middle of a node of that level,
/// 2^kDepth + leaf the inside of a leaf.
std::uint64_t node_number(int level, std::uint64_t leaf) {
  return (kLeaves + leaf) >> (kDepth - level);
}

double clock_of(double sigma) {
  if (!(sigma >= 0)) throw Error(fmt::format("a noise level must be 0 or more, got {}", sigma));
  // e^-32 and e^32 are 1.27e-14 and 7.9e13; these bounds keep the logarithm to normal numbers.
  return std::clamp(portable_log(std::clamp(sigma, 1e-15, 1e15)), -kClockEnd, kClockEnd);
}

}  // namespace

BrownianPath::BrownianPath(std::uint64_t seed, std::size_t dimension)
    : seed_(seed),
      dimension_(dimension),
      ends_(2 * dimension),
      middle_(kDepth * dimension),
      here_(dimension),
      before_(dimension) {
  // W starts at 0; its variance at the other end is the clock's length, 64.
  bridge(0, 0.0, std::sqrt(2 * kClockEnd), ends_.data(), ends_.data(), ends_.data() + dimension);
}

double BrownianPath::duration(double sigma_from, double sigma_to) {
  return std::abs(clock_of(sigma_to) - clock_of(sigma_from));
}

std::uint64_t BrownianPath::leaf_of(double sigma) {
  return locate(sigma).leaf;
}

BrownianPath::Point BrownianPath::locate(double sigma) {
  const double clock = clock_of(sigma);
  const auto leaf = static_cast<std::uint64_t>((clock + kClockEnd) / kLeafWidth);
  return {clock, std::min(leaf, kLeaves - 1)};
}

void BrownianPath::bridge(std::uint64_t node, double share, double deviation, const double* left, const double* right,
                          double* out) const {
  RandomStream(seed_, Purpose::kStepNoise, node).normals({out, dimension_});
  for (std::size_t k = 0; k < dimension_; ++k) {
    out[k] = (1.0 - share) * left[k] + share * right[k] + deviation * out[k];
  }
}

void BrownianPath::move_to(const Point& point) {
  const double* left = ends_.data();
  const double* right = ends_.data() + dimension_;
  double width = 2 * kClockEnd;
  for (int level = 0; level < kDepth; ++level, width /= 2) {
    double* middle = middle_.data() + static_cast<std::size_t>(level) * dimension_;
    const std::uint64_t node = node_number(level, point.leaf);
    if (!moved_ || node != node_number(level, leaf_)) bridge(node, 0.5, std::sqrt(width) / 2, left, right, middle);
    const bool upper_half = (node_number(level + 1, point.leaf) & 1) != 0;
    (upper_half ? left : right) = middle;
  }
  const double share = (point.clock + kClockEnd) / kLeafWidth - static_cast<double>(point.leaf);
  bridge(node_number(kDepth, point.leaf), share, std::sqrt(kLeafWidth * share * (1.0 - share)), left, right,
         here_.data());
  moved_ = true;
  leaf_ = point.leaf;
  clock_ = point.clock;
}

void BrownianPath::increment(double sigma_from, double sigma_to, std::span<double> out) {
  ensure(out.size() == dimension_, "one value an element");
  const Point from = locate(sigma_from);
  const Point to = locate(sigma_to);
  const double length = std::abs(to.clock - from.clock);
  if (length == 0) {
    std::fill(out.begin(), out.end(), 0.0);
    return;
  }
  if (from.leaf == to.leaf) {
    throw Error(
        fmt::format("noise levels {} and {} are too close for a stochastic step: log sigma must change by {:.1e}"
                    "; take fewer steps",
                    sigma_from, sigma_to, kLeafWidth));
  }
  // Steps mostly begin where the last one ended, or where it began (the stages of a step).
  if (before_clock_ != from.clock) {
    if (!moved_ || clock_ != from.clock) move_to(from);
    before_.swap(here_);
    before_clock_ = from.clock;
  }
  move_to(to);
  const double scale = 1.0 / std::sqrt(length);
  for (std::size_t k = 0; k < dimension_; ++k) out[k] = (here_[k] - before_[k]) * scale;
}

}  // namespace scorefield

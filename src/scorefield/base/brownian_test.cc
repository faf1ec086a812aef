#include "scorefield/base/brownian.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> increment(BrownianPath& path, std::size_t d, double from, double to) {
  std::vector<double> out(d);
  path.increment(from, to, out);
  return out;
}

std::vector<double> fresh_increment(std::uint64_t seed, std::size_t d, double from, double to) {
  BrownianPath path(seed, d);
  return increment(path, d, from, to);
}

double mean_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum / static_cast<double>(a.size());
}

TEST(BrownianPath, IncrementsAreIndependentStandardNormals) {
  constexpr std::size_t d = 40000;
  BrownianPath path(11, d);
  // Steps of every scale, sides of tree nodes of every level, the saturated ends.
  const std::vector<double> sigma = {kInfinity, 1e6, 80, 79.99, 40, 1.0001, 1, 0.9999, 0.3, 0.002, 0.001999, 1e-10, 0};
  std::vector<std::vector<double>> z;
  for (std::size_t i = 0; i + 1 < sigma.size(); ++i) z.push_back(increment(path, d, sigma[i], sigma[i + 1]));
  // Five standard errors; a product of independent normals has variance 1, a square 2, a fourth power 96.
  const double error = 5 / std::sqrt(static_cast<double>(d));
  for (std::size_t i = 0; i < z.size(); ++i) {
    double mean = 0, fourth = 0;
    for (double v : z[i]) {
      mean += v / d;
      fourth += v * v * v * v / d;
    }
    EXPECT_NEAR(mean, 0, error) << i;
    EXPECT_NEAR(fourth, 3, std::sqrt(96.0) * error) << i;
    EXPECT_NEAR(mean_product(z[i], z[i]), 1, std::sqrt(2.0) * error) << i;
    for (std::size_t j = 0; j < i; ++j) EXPECT_NEAR(mean_product(z[i], z[j]), 0, error) << i << ' ' << j;
  }
}

TEST(BrownianPath, CovarianceOfOverlappingIncrementsIsTheOverlap) {
  constexpr std::size_t d = 40000;
  // |log| of 8..2 and 4..1: the overlap is log 2 of durations 2 log 2 each.
  const auto a = fresh_increment(3, d, 8, 2);
  const auto b = fresh_increment(3, d, 4, 1);
  EXPECT_NEAR(mean_product(a, b), 0.5, 5 * std::sqrt(1.25 / d));
}

TEST(BrownianPath, StepsAddUpUnderRefinement) {
  constexpr std::size_t d = 64;
  BrownianPath path(5, d);
  const double high = 80, low = 0.002;
  const auto whole = increment(path, d, high, low);
  for (int steps : {2, 3, 18, 1000}) {
    std::vector<double> sum(d, 0.0);
    double sigma = high;
    for (int i = 1; i <= steps; ++i) {
      const double next = i == steps ? low : high * std::pow(low / high, static_cast<double>(i) / steps);
      const auto z = increment(path, d, sigma, next);
      for (std::size_t k = 0; k < d; ++k) sum[k] += z[k] * std::sqrt(BrownianPath::duration(sigma, next));
      sigma = next;
    }
    for (std::size_t k = 0; k < d; ++k) {
      // W is at most 40 here (five deviations at the clock's end): each step rounds it to 40 * 2^-53 a few times.
      EXPECT_NEAR(sum[k], whole[k] * std::sqrt(BrownianPath::duration(high, low)), (steps + 1) * 4e-14) << steps;
    }
  }
}

TEST(BrownianPath, BitsDoNotDependOnWhatWasAskedBefore) {
  constexpr std::size_t d = 33;
  const std::vector<double> sigma = {80, 31.7, 5, 1.25, 1.2499, 0.3, 0.002, 0, kInfinity};
  BrownianPath walker(9, d);
  // Up, down, far and near, in an order that leaves every kind of remembered way behind.
  for (std::size_t i = 0; i < 200; ++i) {
    const double from = sigma[i * 5 % sigma.size()];
    const double to = sigma[(i * i + 2 * i + 1) % sigma.size()];
    if (from == to) continue;
    EXPECT_EQ(increment(walker, d, from, to), fresh_increment(9, d, from, to)) << from << ' ' << to;
  }
}

TEST(BrownianPath, BitsDoNotDependOnWhatWasAskedFromTheSamePlace) {
  constexpr std::size_t d = 33;
  BrownianPath walker(9, d);
  // As the stages of a step ask: twice from where the last one ended, and back.
  for (const auto& [from, to] : {std::pair{80.0, 5.0},
                                 {80.0, 1.25},
                                 {1.25, 1.0},
                                 {1.25, 0.3},
                                 {0.3, 1.25},
                                 {0.3, 0.1},
                                 {1.25, 0.3},
                                 {0.1, 80.0},
                                 {0.1, 0.0}}) {
    EXPECT_EQ(increment(walker, d, from, to), fresh_increment(9, d, from, to)) << from << ' ' << to;
  }
}

TEST(BrownianPath, AnElementDoesNotDependOnTheDimensionNorOnOtherSeeds) {
  const auto small = fresh_increment(2, 5, 3, 1);
  const auto large = fresh_increment(2, 100, 3, 1);
  for (std::size_t k = 0; k < small.size(); ++k) EXPECT_EQ(small[k], large[k]);
  EXPECT_NE(fresh_increment(3, 5, 3, 1), small);
}

TEST(BrownianPath, GoingBackIsTheNegative) {
  auto there = fresh_increment(4, 20, 7, 0.1);
  const auto back = fresh_increment(4, 20, 0.1, 7);
  for (std::size_t k = 0; k < there.size(); ++k) EXPECT_EQ(there[k], -back[k]);
}

TEST(BrownianPath, TheClockStandsStillOutsideItsRange) {
  EXPECT_EQ(BrownianPath::duration(0, kInfinity), 64);
  EXPECT_EQ(BrownianPath::duration(1e14, kInfinity), 0);
  EXPECT_EQ(fresh_increment(1, 3, 1e-16, 0), std::vector<double>(3, 0.0));
  EXPECT_EQ(fresh_increment(1, 3, 1, 1), std::vector<double>(3, 0.0));
}

TEST(BrownianPath, RefusesWhatHasNoNoise) {
  BrownianPath path(1, 3);
  std::vector<double> out(3);
  EXPECT_THROW(path.increment(-1, 1, out), Error);
  EXPECT_THROW(path.increment(1, std::nan(""), out), Error);
  EXPECT_THROW(path.increment(1, 1 + 1e-9, out), Error);
}

// The noise of a seed is a promise to everyone who wrote a seed down: these bits never change.
TEST(BrownianPath, KnownBits) {
  const auto z = fresh_increment(42, 3, 80, 0.002);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(z[0]), 0xbfe3fb7ea04a48c6u);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(z[1]), 0x3ff17317d3cc1da0u);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(z[2]), 0x3ff4c814603502e7u);
}

}  // namespace
}  // namespace scorefield

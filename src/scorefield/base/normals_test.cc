#include "scorefield/base/normals.h"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <bit>
#include <cmath>
#include <vector>

#include "scorefield/base/normal_quantile.h"

namespace scorefield {
namespace {

/// Restricts dispatch to one instruction set for its lifetime.
class OnlyTarget {
 public:
  explicit OnlyTarget(std::int64_t target) { set(target); }
  ~OnlyTarget() { set(0); }
  OnlyTarget(const OnlyTarget&) = delete;
  OnlyTarget& operator=(const OnlyTarget&) = delete;

 private:
  static void set(std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

std::vector<std::int64_t> instruction_sets() {
  std::vector<std::int64_t> found;
  for (std::int64_t target : {HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_SSSE3, HWY_SCALAR}) {
    if ((hwy::SupportedTargets() & target) != 0 || target == HWY_SCALAR) found.push_back(target);
  }
  return found;
}

std::vector<double> reference(const RandomStream& stream, std::uint64_t first, std::size_t count) {
  std::vector<double> z(count);
  for (std::size_t k = 0; k < count; ++k) z[k] = normal_quantile(stream.uniform(first + k));
  return z;
}

// Every length up to several vectors, odd and even starts, chunks' ends, counters whose carry reaches the upper word.
TEST(Normals, EveryInstructionSetGivesTheBitsOfTheReference) {
  for (std::int64_t target : instruction_sets()) {
    const OnlyTarget only(target);
    for (std::uint64_t first : {0ULL, 1ULL, 1023ULL, 1024ULL, (1ULL << 33) - 21, (1ULL << 46) + 5}) {
      for (std::size_t count : {0, 1, 2, 3, 7, 16, 31, 64, 100, 1023, 1024, 1025, 2500}) {
        const std::uint64_t seed = 0xfedcba9876543210ULL + count;
        const std::uint64_t node = 0x123456789abcdef0ULL + first;
        // One more than is filled: nothing is written behind the end.
        std::vector<double> z(count + 1, -77.0);
        fill_normals(seed, Purpose::kTest, node, first, {z.data(), count});
        auto expected = reference(RandomStream(seed, Purpose::kTest, node), first, count);
        expected.push_back(-77.0);
        EXPECT_EQ(z, expected) << hwy::TargetName(target) << " from " << first << ", " << count << " numbers";
      }
    }
  }
}

TEST(Normals, TailsAgreeInAMillionNumbers) {
  const RandomStream stream(99, Purpose::kTest);
  const auto expected = reference(stream, 0, 1000000);
  for (std::int64_t target : instruction_sets()) {
    const OnlyTarget only(target);
    std::vector<double> z(expected.size());
    stream.normals(z);
    EXPECT_EQ(z, expected) << hwy::TargetName(target);
  }
}

// The far branch (p below e^-25) takes too many draws to meet: the reference alone is checked there, against erfc.
TEST(Normals, TheQuantileInvertsTheNormalLaw) {
  for (double p = 0x1p-53; p < 0.5; p *= 1.37) {
    const double z = normal_quantile(p);
    // d log p / d log z grows as z^2, at most 67 here. AS 241 promises 1e-16 of z before rounding, which takes some
    // 4 ulp more (4.4e-16); z / sqrt(2) is rounded once more.
    EXPECT_NEAR(0.5 * std::erfc(-z / std::sqrt(2.0)) / p, 1.0, 67 * 6.5e-16) << p;
    if (p > 0x1p-40) {
      // 1 - p is rounded by 2^-54, which is p's own relative error.
      EXPECT_NEAR(normal_quantile(1.0 - p) / -z, 1.0, 0x1p-53 / p + 1e-15) << p;
    }
  }
  EXPECT_EQ(normal_quantile(0.5), 0.0);
}

// Whoever wrote a seed down relies on these: they never change.
TEST(Normals, KnownBits) {
  const RandomStream stream(42, Purpose::kInitialNoise, 7);
  const std::vector<std::uint64_t> expected = {0x3fe4d421dde1534b, 0xbfecc008701456d4, 0xc00abd2f12cbbc67,
                                               0xbfbcda7cba75a36c};
  std::vector<double> z(expected.size());
  stream.normals(z, 1000);
  for (std::size_t k = 0; k < z.size(); ++k) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(z[k]), expected[k]) << std::hex << std::bit_cast<std::uint64_t>(z[k]);
  }
}

}  // namespace
}  // namespace scorefield

#include "scorefield/kernel/tile.h"

#include <gtest/gtest.h>
#include <hwy/aligned_allocator.h>
#include <hwy/detect_targets.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "scorefield/base/random.h"

namespace scorefield::tile {
namespace {

/// Runs `body` once for every instruction set that is compiled and that this machine has.
template <class Body>
void on_every_target(const Body& body) {
  for (std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    hwy::SetSupportedTargetsForTest(left & -left);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(left & -left));
    body(left & -left);
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

/// Fused multiply-add, hence the bits that every machine with it agrees on.
bool fused(std::int64_t target) {
  return target <= HWY_AVX2;
}

struct Case {
  std::size_t dimension;
  std::size_t stride;
  std::vector<std::uint8_t> bytes;  // [kTileRows][dimension]
  std::vector<float> centre;        // [stride]
  std::vector<float> shifted_centre;
  std::vector<float> rows;     // [kTileRows][stride], centred
  std::vector<float> queries;  // [kGroup][stride]
  // The same rows as floats of twice the size, to be scaled by a half.
  std::vector<float> floats;  // [kTileRows][dimension]
  std::vector<float> twice_centre;
  std::vector<const float*> float_pointers;

  explicit Case(std::size_t d) : dimension(d), stride(row_stride(d)) {
    const RandomStream random(d, Purpose::kTest);
    bytes.resize(kTileRows * d);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(random.bits(i));
    centre.assign(stride, 0.0F);
    shifted_centre.assign(stride, 0x1p23F);
    for (std::size_t k = 0; k < d; ++k) {
      centre[k] = static_cast<float>(random.below(k, 256));
      shifted_centre[k] += centre[k];
    }
    rows.assign(kTileRows * stride, 0.0F);
    for (std::size_t j = 0; j < kTileRows; ++j) {
      for (std::size_t k = 0; k < d; ++k) rows[j * stride + k] = static_cast<float>(bytes[j * d + k]) - centre[k];
    }
    for (const float v : centre) twice_centre.push_back(2 * v);
    for (const std::uint8_t b : bytes) floats.push_back(2 * static_cast<float>(b));
    for (std::size_t j = 0; j < kTileRows; ++j) float_pointers.push_back(floats.data() + j * d);
    queries.assign(kGroup * stride, 0.0F);
    std::vector<double> normals(kGroup * d);
    random.normals(normals);
    for (std::size_t q = 0; q < kGroup; ++q) {
      for (std::size_t k = 0; k < d; ++k) queries[q * stride + k] = static_cast<float>(100 * normals[q * d + k]);
    }
  }

  std::vector<float> panel(std::size_t lanes) const {
    std::vector<float> packed(dimension * lanes);
    for (std::size_t q = 0; q < lanes; ++q) {
      for (std::size_t k = 0; k < dimension; ++k) packed[k * lanes + q] = queries[q * stride + k];
    }
    return packed;
  }
  FloatRows float_rows() const { return {float_pointers.data(), twice_centre.data(), 0.5F}; }
  std::vector<const std::uint8_t*> byte_rows() const {
    std::vector<const std::uint8_t*> pointers;
    for (std::size_t j = 0; j < kTileRows; ++j) pointers.push_back(bytes.data() + j * dimension);
    return pointers;
  }
};

// What every form of dots() computes, in the order in which it promises to: the bits are those of this loop.
float chained_dot(const Case& c, std::size_t j, std::size_t q) {
  float total = 0;
  for (std::size_t start = 0; start < c.dimension; start += block_length(c.dimension)) {
    float sum = 0;
    for (std::size_t k = start; k < std::min(c.dimension, start + block_length(c.dimension)); ++k) {
      sum = std::fma(c.rows[j * c.stride + k], c.queries[q * c.stride + k], sum);
    }
    total = start == 0 ? sum : total + sum;
  }
  return total;
}

const std::size_t kDimensions[] = {1, 2, 3, 15, 16, 17, 31, 33, 64, 100, 127, 128, 129, 255, 300, 784, 1031};

TEST(TileDots, EveryFormHasTheSameBits) {
  for (const std::size_t d : kDimensions) {
    const Case c(d);
    SCOPED_TRACE(d);
    const auto pointers = c.byte_rows();
    on_every_target([&](std::int64_t target) {
      for (std::size_t lanes = kLaneStep; lanes <= kGroup; lanes += kLaneStep) {
        const std::vector<float> panel = c.panel(lanes);
        std::vector<float> products(kTileRows * lanes);
        dots(c.rows.data(), c.stride, panel.data(), lanes, d, lanes == kGroup ? Ahead() : Ahead{pointers.data(), d},
             products.data());
        for (std::size_t j = 0; j < kTileRows; j += 5) {
          for (std::size_t q = 0; q < lanes; q += 3) {
            const float expected = chained_dot(c, j, q);
            if (fused(target)) {
              ASSERT_EQ(products[j * lanes + q], expected) << "row " << j << " query " << q << " of " << lanes;
            } else {
              // 128 products of at most 255 * 500, each rounded, and the sums: far below 1e-5 of sum |xy| <= d 1.3e5.
              ASSERT_NEAR(products[j * lanes + q], expected, 1.3 * static_cast<double>(d));
            }
          }
        }
      }
      for (std::size_t count = 1; count <= kFewQueries; ++count) {
        std::vector<float> from_floats(kTileRows * kLaneStep);
        std::vector<float> from_bytes(kTileRows * kLaneStep);
        dots_few(c.float_rows(), Ahead(), c.queries.data(), count, d, from_floats.data());
        dots_few(pointers.data(), count % 2 == 0 ? Ahead{pointers.data(), d} : Ahead(), c.shifted_centre.data(),
                 c.queries.data(), count, d, from_bytes.data());
        for (std::size_t j = 0; j < kTileRows; ++j) {
          for (std::size_t q = 0; q < count; ++q) {
            ASSERT_EQ(from_floats[j * kLaneStep + q], from_bytes[j * kLaneStep + q]);
            if (fused(target)) {
              ASSERT_EQ(from_bytes[j * kLaneStep + q], chained_dot(c, j, q));
            }
          }
        }
      }
    });
  }
}

TEST(TileCentre, IsExactForBytesAndRoundedOnceElsewhere) {
  for (const std::size_t d : kDimensions) {
    const Case c(d);
    // One value in, so that nothing is aligned.
    std::vector<float> floats(d + 1);
    std::vector<double> doubles(d + 1);
    std::vector<float> expected(d);
    for (std::size_t k = 0; k < d; ++k) {
      floats[k + 1] = static_cast<float>(c.bytes[k]) + 1000.25F;
      doubles[k + 1] = static_cast<double>(floats[k + 1]);
      expected[k] = (floats[k + 1] - c.centre[k]) * 0.5F;
    }
    on_every_target([&](std::int64_t /*target*/) {
      std::vector<float> out(d);
      centre_row(c.bytes.data(), c.centre.data(), 1.0F, d, out.data());
      EXPECT_EQ(std::memcmp(out.data(), c.rows.data(), d * sizeof(float)), 0);
      centre_row(floats.data() + 1, c.centre.data(), 0.5F, d, out.data());
      EXPECT_EQ(out, expected);
      centre_row(doubles.data() + 1, c.centre.data(), 0.5F, d, out.data());
      EXPECT_EQ(out, expected);
    });
  }
}

TEST(TileSoftmax, AgreesWithDoublesAndLeavesAbsentLanesAlone) {
  const std::size_t lanes = 32;
  std::vector<double> normals(kTileRows * lanes);
  RandomStream(1, Purpose::kTest).normals(normals);
  std::vector<float> half_norms(kTileRows, 1.5F);
  half_norms[95] = INFINITY;  // no such row
  std::vector<float> log_weights(kTileRows, -1.0F);
  log_weights[7] = -INFINITY;
  on_every_target([&](std::int64_t /*target*/) {
    Softmax state;
    state.variance.fill(2.0F);
    state.inverse_variance.fill(0.5F);
    state.margin.fill(3.0F);
    state.threshold.fill(INFINITY);
    state.largest.fill(Softmax::kNothing);
    state.largest[5] = 4.0F;  // from an earlier tile
    for (std::size_t q = 20; q < kGroup; ++q) state.largest[q] = Softmax::kAbsent;
    std::vector<float> products(kTileRows * lanes);
    for (std::size_t i = 0; i < products.size(); ++i) products[i] = static_cast<float>(20 * normals[i]);
    std::vector<float> weights(products.size());
    softmax(products.data(), weights.data(), half_norms.data(), log_weights.data(), lanes, state);
    for (std::size_t q = 0; q < 20; ++q) {
      std::vector<double> s(kTileRows);
      double largest = q == 5 ? 4.0 : -1e30;
      for (std::size_t j = 0; j < kTileRows; ++j) {
        const bool none = j == 95 || j == 7;
        s[j] = none ? -INFINITY : static_cast<double>(static_cast<float>(20 * normals[j * lanes + q])) - 1.5 - 2.0;
        largest = std::max(largest, s[j]);
      }
      double sum = 0, energy = 0, square = 0;
      for (std::size_t j = 0; j < kTileRows; ++j) {
        const double t = (s[j] - largest) / 2;
        const double p = t < -kNegligible ? 0 : std::exp(t);
        // exp: 2e-7; t: three roundings of numbers up to 100, 1e-5.
        EXPECT_NEAR(weights[j * lanes + q], p, 2e-5 * p + 1e-20);
        EXPECT_EQ(state.active[j] >> q & 1, p > 0 ? 1 : 0);
        EXPECT_EQ(state.candidates[j] >> q & 1, s[j] >= largest - 3 ? 1 : 0);
        sum += p;
        if (p > 0) energy += p * t;
        square += p * p;
      }
      EXPECT_NEAR(state.largest[q], largest, 2e-5);
      EXPECT_NEAR(state.sum[q], sum, 2e-5 * sum);
      EXPECT_NEAR(state.energy[q], energy, 2e-5 * (sum - energy));
      EXPECT_NEAR(state.square[q], square, 4e-5 * square);
      EXPECT_NEAR(state.distance[q], 1.5 * sum, 3e-5 * sum);
      EXPECT_NEAR(state.rescale[q], q == 5 ? std::exp((4 - largest) / 2) : 0.0, 1e-5);
    }
    for (std::size_t q = 20; q < lanes; ++q) {
      EXPECT_EQ(state.rescale[q], 1.0F);
      EXPECT_EQ(state.sum[q], 0.0F);
      for (std::size_t j = 0; j < kTileRows; ++j) EXPECT_EQ((state.active[j] | state.candidates[j]) >> q & 1, 0);
    }
  });
}

TEST(TileSum, EveryGroupSizeHasTheSameBits) {
  for (const std::size_t d : kDimensions) {
    const Case c(d);
    SCOPED_TRACE(d);
    const auto pointers = c.byte_rows();
    Softmax state;
    const RandomStream random(3, Purpose::kTest);
    std::vector<float> weights(kTileRows * kGroup);
    state.active.fill(0);
    for (std::size_t j = 0; j < kTileRows; ++j) {
      for (std::size_t q = 0; q < kGroup; ++q) {
        const std::size_t i = j * kGroup + q;
        if (random.below(i, 3) != 0) continue;  // most weights are 0
        weights[i] = static_cast<float>(random.uniform(i));
        state.active[j] |= std::uint64_t{1} << q;
      }
    }
    for (std::size_t q = 0; q < kGroup; ++q) state.rescale[q] = q % 3 == 0 ? 1.0F : 0.7F;
    std::vector<float> expected(kGroup * c.stride);
    for (std::size_t q = 0; q < kGroup; ++q) {
      for (std::size_t k = 0; k < d; ++k) {
        float total = 0.5F * state.rescale[q];
        for (std::size_t j = 0; j < kTileRows; ++j) {
          if (weights[j * kGroup + q] != 0) total = std::fma(weights[j * kGroup + q], c.rows[j * c.stride + k], total);
        }
        expected[q * c.stride + k] = total;
      }
    }
    on_every_target([&](std::int64_t target) {
      const auto check = [&](const std::vector<float>& sums, std::size_t count) {
        for (std::size_t q = 0; q < count; ++q) {
          for (std::size_t k = 0; k < d; ++k) {
            const float e = expected[q * c.stride + k];
            const std::size_t slab = (k / kSlab * kGroup + q) * kSlab + k % kSlab;
            const float sum = sums[count > kFewQueries ? slab : q * c.stride + k];
            if (fused(target)) {
              ASSERT_EQ(sum, e) << "query " << q << " of " << count << " column " << k;
            } else {
              ASSERT_NEAR(sum, e, 1e-2);  // 96 terms of at most 255, 2 roundings each
            }
          }
        }
      };
      for (const std::size_t count : {9, 17, 63, 64}) {
        std::vector<float> sums(kGroup * std::max(c.stride, round_up(d, kSlab)), 0.5F);
        add_weighted(c.rows.data(), c.stride, weights.data(), kGroup, count, d, state, sums.data());
        check(sums, count);
      }
      for (std::size_t count = 1; count <= kFewQueries; ++count) {
        std::vector<float> sums(8 * c.stride, 0.5F);
        add_weighted(pointers.data(), c.centre.data(), weights.data(), kGroup, count, d, state, sums.data());
        check(sums, count);
        sums.assign(8 * c.stride, 0.5F);
        add_weighted(c.float_rows(), weights.data(), kGroup, count, d, state, sums.data());
        check(sums, count);
      }
    });
  }
}

TEST(TileSum, FoldsInDouble) {
  for (const std::size_t d : kDimensions) {
    std::vector<float> part(d);
    std::vector<double> expected(d);
    for (std::size_t k = 0; k < d; ++k) {
      part[k] = static_cast<float>(k) + 0.25F;
      expected[k] = 1e9 * 0.75 + static_cast<double>(part[k]);
    }
    on_every_target([&](std::int64_t /*target*/) {
      std::vector<double> total(d, 1e9);
      std::vector<float> left = part;
      fold(total.data(), 0.75, left.data(), d);
      EXPECT_EQ(total, expected);
      EXPECT_EQ(left, std::vector<float>(d));
    });
  }
}

}  // namespace
}  // namespace scorefield::tile

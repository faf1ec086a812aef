#include "scorefield/base/gram.h"

#include <algorithm>
#include <vector>

#include "scorefield/base/thread_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/base/gram.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace scorefield::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using F64 = hn::ScalableTag<double>;

// Variables lie in panels of 24: three AVX-512 vectors. A tile of 8 x 3 vectors fills 24 of 32 accumulators (two FMA
// ports, four cycles each, need 8); with 16 registers 4 x 3.
constexpr std::size_t kPanel = 24;
constexpr std::size_t kTileRows = HWY_TARGET == HWY_AVX3 ? 8 : 4;

/// tile[i][j] += sum over r of a[r][i] b[r][j] for a few i and three vectors of j; a and b are panels of `count` rows.
HWY_INLINE void AddTile(const double* HWY_RESTRICT a, const double* HWY_RESTRICT b, std::size_t count,
                        double* HWY_RESTRICT tile) {
  const F64 d;
  constexpr std::size_t kLanes = hn::MaxLanes(F64());
  hn::Vec<F64> sums[kTileRows][3];
  for (auto& row : sums) row[0] = row[1] = row[2] = hn::Zero(d);
  for (std::size_t r = 0; r < count; ++r) {
    const auto b0 = hn::LoadU(d, b + r * kPanel);
    const auto b1 = hn::LoadU(d, b + r * kPanel + kLanes);
    const auto b2 = hn::LoadU(d, b + r * kPanel + 2 * kLanes);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kTileRows; ++i) {
      const auto x = hn::Set(d, a[r * kPanel + i]);
      sums[i][0] = hn::MulAdd(x, b0, sums[i][0]);
      sums[i][1] = hn::MulAdd(x, b1, sums[i][1]);
      sums[i][2] = hn::MulAdd(x, b2, sums[i][2]);
    }
  }
  for (std::size_t i = 0; i < kTileRows; ++i) {
    for (std::size_t v = 0; v < 3; ++v) {
      double* at = tile + i * kPanel + v * kLanes;
      hn::StoreU(hn::Add(hn::LoadU(d, at), sums[i][v]), d, at);
    }
  }
}

}  // namespace

/// block [kPanel x kPanel] += a^T b.
void AddPanels(const double* a, const double* b, std::size_t count, double* block) {
  constexpr std::size_t kLanes = hn::MaxLanes(F64());
  for (std::size_t i = 0; i < kPanel; i += kTileRows) {
    for (std::size_t j = 0; j < kPanel; j += 3 * kLanes) AddTile(a + i, b + j, count, block + i * kPanel + j);
  }
}

}  // namespace scorefield::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield {
namespace {

HWY_EXPORT(AddPanels);

constexpr std::size_t kPanel = 24;
constexpr std::size_t kRows = 256;     // observations at a time: a panel of them is 48 KiB
constexpr std::size_t kReadRows = 32;  // observations a task reads

}  // namespace

Rows gram_matrix(std::size_t observations, std::size_t variables,
                 const std::function<void(std::size_t observation, std::span<double> out)>& read,
                 const Context& context) {
  const std::size_t panels = (variables + kPanel - 1) / kPanel;
  const std::size_t pairs = panels * (panels + 1) / 2;
  context.check_memory((pairs * kPanel * kPanel + variables * variables + panels * kPanel * kRows) * sizeof(double),
                       "a covariance matrix");
  std::vector<double> packed(panels * kPanel * kRows);  // [panels][kRows][kPanel], zero beyond `variables`
  std::vector<double> blocks(pairs * kPanel * kPanel);  // the pairs (p, q <= p), each [kPanel, kPanel]
  for (std::size_t first = 0; first < observations; first += kRows) {
    context.check_cancelled();
    const std::size_t count = std::min(kRows, observations - first);
    run_tasks(context.pool, (count + kReadRows - 1) / kReadRows, [&](std::size_t group, int /*worker*/) {
      std::vector<double> x(panels * kPanel);
      for (std::size_t r = group * kReadRows; r < std::min(count, (group + 1) * kReadRows); ++r) {
        read(first + r, {x.data(), variables});
        for (std::size_t p = 0; p < panels; ++p) {
          std::copy_n(x.data() + p * kPanel, kPanel, packed.data() + (p * kRows + r) * kPanel);
        }
      }
    });
    run_tasks(context.pool, panels, [&](std::size_t task, int /*worker*/) {
      const std::size_t p = panels - 1 - task;  // the longest first
      const double* a = packed.data() + p * kRows * kPanel;
      for (std::size_t q = 0; q <= p; ++q) {
        HWY_DYNAMIC_DISPATCH(AddPanels)
        (a, packed.data() + q * kRows * kPanel, count, blocks.data() + (p * (p + 1) / 2 + q) * kPanel * kPanel);
      }
    });
    context.report("covariance", static_cast<double>(first + count), static_cast<double>(observations));
  }
  Rows sums(variables, variables);
  for (std::size_t i = 0; i < variables; ++i) {
    const std::size_t p = i / kPanel;
    for (std::size_t j = 0; j <= i; ++j) {
      const double* block = blocks.data() + (p * (p + 1) / 2 + j / kPanel) * kPanel * kPanel;
      sums(i, j) = sums(j, i) = block[i % kPanel * kPanel + j % kPanel];
    }
  }
  return sums;
}

}  // namespace scorefield
#endif

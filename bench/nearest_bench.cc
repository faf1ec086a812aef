// Exact nearest rows: B queries against 60000 rows of 784 bytes (the size of Fashion-MNIST), k = 2, one thread.
// rate = multiply-adds a second, counted as B * N * d whatever the screening spares.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/base/stored_rows.h"
#include "scorefield/kernel/nearest.h"

namespace scorefield {
namespace {

constexpr std::size_t kRows = 60000;
constexpr std::size_t kLength = 784;

/// Rows about 50 centres, so that neighbours are nearer than strangers, as in real data.
std::vector<std::uint8_t> clustered_rows(std::size_t rows, std::uint64_t seed) {
  std::vector<std::uint8_t> values(rows * kLength);
  const RandomStream centres(0, Purpose::kTest);
  const RandomStream noise(seed, Purpose::kTest, 1);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < kLength; ++k) {
      const std::uint64_t centre = centres.below((i % 50) * kLength + k, 200);
      values[i * kLength + k] = static_cast<std::uint8_t>(centre + noise.below(i * kLength + k, 56));
    }
  }
  return values;
}

void nearest(benchmark::State& state) {
  static const std::vector<std::uint8_t> rows = clustered_rows(kRows, 1);
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::vector<std::uint8_t> fresh = clustered_rows(count, 2);
  Rows queries(count, kLength);
  for (std::size_t k = 0; k < fresh.size(); ++k) queries.values()[k] = kImageUnits.to_data(fresh[k]);
  const RowsView<const std::uint8_t> view(rows.data(), kRows, kLength);
  for (auto _ : state) benchmark::DoNotOptimize(nearest_rows(view, kImageUnits, queries.view(), 2, {}));
  state.counters["rate"] =
      benchmark::Counter(static_cast<double>(count * kRows * kLength), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(nearest)->Arg(1)->Arg(8)->Arg(64)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace scorefield

BENCHMARK_MAIN();

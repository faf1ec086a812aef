// The noise of samplers: a normal, and a step of a Brownian path.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "scorefield/base/brownian.h"
#include "scorefield/base/normal_quantile.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

constexpr std::size_t kDimension = 784;

void normals(benchmark::State& state) {
  std::vector<double> z(kDimension);
  const RandomStream stream(1, Purpose::kTest);
  std::uint64_t first = 0;
  for (auto _ : state) {
    stream.normals(z, first += kDimension);
    benchmark::DoNotOptimize(z.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(z.size()));
}
BENCHMARK(normals);

void normals_by_the_reference(benchmark::State& state) {
  const RandomStream stream(1, Purpose::kTest);
  std::uint64_t k = 0;
  for (auto _ : state) benchmark::DoNotOptimize(normal_quantile(stream.uniform(++k)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(normals_by_the_reference);

/// A step of one sample, 784 elements; `steps` from sigma 80 to 0.002.
void brownian_step(benchmark::State& state) {
  const auto steps = static_cast<int>(state.range(0));
  std::vector<double> sigma(static_cast<std::size_t>(steps) + 1);
  for (int i = 0; i <= steps; ++i) sigma[static_cast<std::size_t>(i)] = 80 * std::pow(0.002 / 80, 1.0 * i / steps);
  std::vector<double> z(kDimension);
  BrownianPath path(1, kDimension);
  std::size_t i = 0;
  for (auto _ : state) {
    path.increment(sigma[i], sigma[i + 1], z);
    i = (i + 1) % static_cast<std::size_t>(steps);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(z.size()));
}
BENCHMARK(brownian_step)->Arg(18)->Arg(250);

}  // namespace
}  // namespace scorefield

BENCHMARK_MAIN();

// The fast posterior kernel: time and GFLOP/s (4 B N d, both matrix products) against this machine's FMA peak, measured
// in the same run. Rates are by CPU time of the calling thread where it works alone, by wall time on two threads.
//   posterior_bench --benchmark_filter='peak|/784/u8/'
#include <benchmark/benchmark.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/cli/keep_memory.h"
#include "scorefield/kernel/posterior.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "../bench/posterior_bench.cc"  // found from src/
#include <hwy/foreach_target.h>                           // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace scorefield::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// 12 independent chains of fused multiply-adds, `steps` long; returns something that depends on all of them.
float FusedChains(std::size_t steps) {
  const hn::ScalableTag<float> f;
  constexpr std::size_t kChains = 12;
  hn::Vec<decltype(f)> sums[kChains];
#pragma GCC unroll 12
  for (std::size_t i = 0; i < kChains; ++i) sums[i] = hn::Set(f, static_cast<float>(i));
  const auto a = hn::Set(f, 0.999F);
  const auto b = hn::Set(f, 0.001F);
  for (std::size_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (auto& sum : sums) sum = hn::MulAdd(sum, a, b);
  }
  auto total = sums[0];
  for (std::size_t i = 1; i < kChains; ++i) total = hn::Add(total, sums[i]);
  return hn::GetLane(hn::SumOfLanes(f, total));
}

/// Floating-point operations of one step.
std::size_t OperationsAStep() {
  return 12 * 2 * hn::Lanes(hn::ScalableTag<float>());
}

}  // namespace scorefield::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scorefield::bench {
namespace {

HWY_EXPORT(FusedChains);
HWY_EXPORT(OperationsAStep);

void peak(benchmark::State& state) {
  constexpr std::size_t kSteps = 10'000'000;
  for (auto _ : state) benchmark::DoNotOptimize(HWY_DYNAMIC_DISPATCH(FusedChains)(kSteps));
  const double operations = static_cast<double>(kSteps * HWY_DYNAMIC_DISPATCH(OperationsAStep)());
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * operations, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(peak)->Unit(benchmark::kMillisecond);

/// Rows around ten centres, as bytes and as the floats they stand for.
struct Data {
  std::size_t n;
  std::size_t d;
  std::vector<std::uint8_t> bytes;
  std::vector<float> floats;
  std::map<std::string, std::unique_ptr<PosteriorKernel>> kernels;

  Data(std::size_t n_, std::size_t d_) : n(n_), d(d_), bytes(n * d) {
    std::vector<std::vector<double>> centres(10, std::vector<double>(d));
    for (std::size_t c = 0; c < centres.size(); ++c) RandomStream(c, Purpose::kTest).normals(centres[c]);
    for (std::size_t i = 0; i < n; ++i) {
      const RandomStream noise(i, Purpose::kTest, 1);
      std::uint64_t bits = 0;
      for (std::size_t k = 0; k < d; ++k) {
        bits = k % 8 == 0 ? noise.bits(k / 8) : bits >> 8;
        bytes[i * d + k] = static_cast<std::uint8_t>(80 + static_cast<int>(20 * centres[i % 10][k]) + (bits & 63));
      }
    }
  }
  const PosteriorKernel& kernel(const std::string& storage) {
    auto& made = kernels[storage];
    if (made == nullptr && storage == "u8") {
      made = std::make_unique<PosteriorKernel>(RowsView<const std::uint8_t>(bytes.data(), n, d), kImageUnits,
                                               std::span<const double>(), Context());
    } else if (made == nullptr) {
      for (const std::uint8_t b : bytes) floats.push_back(static_cast<float>(kImageUnits.to_data(b)));
      made = std::make_unique<PosteriorKernel>(RowsView<const float>(floats.data(), n, d), Affine(),
                                               std::span<const double>(), Context());
    }
    return *made;
  }
};

Data& data(std::size_t d) {
  static std::map<std::size_t, std::unique_ptr<Data>> made;
  auto& one = made[d];
  if (one == nullptr) one = std::make_unique<Data>(d == 784 ? 60000 : 50000, d);
  return *one;
}

/// A sigma at which every row carries weight: nothing can be skipped.
constexpr double kSigma = 40;

void posterior(benchmark::State& state, std::size_t d, const std::string& storage, std::size_t batch, int threads) {
  Data& rows = data(d);
  const PosteriorKernel& kernel = rows.kernel(storage);
  Rows x(batch, d);
  for (std::size_t q = 0; q < batch; ++q) {
    RandomStream(q, Purpose::kTest, 2).normals(x[q]);
    for (double& v : x[q]) v *= kSigma;
  }
  ThreadPool pool(threads);
  Context context;
  if (threads > 1) context.pool = &pool;
  const std::vector<double> sigma = {kSigma};
  const auto evaluate = [&] { return kernel.evaluate(x.view(), sigma, {}, {}, Precision::kFast, context); };
  benchmark::DoNotOptimize(evaluate());  // the first one takes its memory from the system
  for (auto _ : state) benchmark::DoNotOptimize(evaluate());
  state.counters["GFLOP/s"] = benchmark::Counter(4e-9 * static_cast<double>(batch) * static_cast<double>(rows.n * d),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void register_all() {
  for (const std::size_t d : {784, 3072}) {
    for (const char* storage : {"u8", "f32"}) {
      for (const std::size_t batch : {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
        for (const int threads : {1, 2}) {
          const std::string name = "posterior/" + std::to_string(d) + "/" + storage + "/" + std::to_string(batch) +
                                   "/threads:" + std::to_string(threads);
          auto* one = benchmark::RegisterBenchmark(
              name.c_str(), [=](benchmark::State& state) { posterior(state, d, storage, batch, threads); });
          one->Unit(benchmark::kMillisecond);
          if (threads > 1) one->UseRealTime();
        }
      }
    }
  }
}

}  // namespace
}  // namespace scorefield::bench

int main(int argc, char** argv) {
  scorefield::keep_freed_memory();  // as the command does
  scorefield::bench::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
#endif

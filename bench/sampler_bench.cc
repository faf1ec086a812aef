// What a sampler costs besides the field: a run on a field that answers at once, 64 samples of 784 values down 18
// polynomial levels, on one thread. `share` is that overhead over the time that the exact field of Fashion-MNIST takes
// for the same evaluations, measured in the same process as the mean over such a run.
//   sampler_bench --benchmark_filter='heun|posterior'
#include <benchmark/benchmark.h>

#include <ctime>
#include <numeric>
#include <optional>
#include <string>

#include "scorefield/base/error.h"
#include "scorefield/data/open.h"
#include "scorefield/field/empirical.h"
#include "scorefield/field/forwarding_field.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"

namespace scorefield {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kDimension = 784;

std::vector<std::uint64_t> seeds() {
  std::vector<std::uint64_t> seeds(kBatch);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Hands out answers that were made before.
class PreparedField final : public Field {
 public:
  explicit PreparedField(std::size_t answers) { prepare(answers); }

  void prepare(std::size_t answers) {
    while (answers_.size() < answers) {
      answers_.emplace_back(kBatch, kDimension);
      std::fill(answers_.back().values().begin(), answers_.back().values().end(), 0.25);
    }
  }

  std::size_t dimension() const override { return kDimension; }
  Capabilities capabilities() const override { return {}; }
  std::span<const double> mean() const override { return mean_; }
  double variance() const override { return 1; }
  Answer ask(RowsView<const double> /*x*/, std::span<const double> /*sigma*/, std::span<const int> /*labels*/,
             const Request& /*request*/, const Context& /*context*/) const override {
    Answer answer;
    answer.denoised = std::move(answers_.back());
    answers_.pop_back();
    return answer;
  }

 private:
  std::vector<double> mean_ = std::vector<double>(kDimension);
  mutable std::vector<Rows> answers_;
};

/// Forwards to a field and adds up the time that it takes.
class TimedField final : public ForwardingField {
 public:
  using ForwardingField::ForwardingField;

  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override {
    const double began = cpu_seconds();
    Answer answer = field_.ask(x, sigma, labels, request, context);
    seconds_ += cpu_seconds() - began;
    ++answers_;
    return answer;
  }
  double seconds_an_answer() const { return seconds_ / static_cast<double>(answers_); }

 private:
  mutable double seconds_ = 0;
  mutable std::size_t answers_ = 0;
};

/// Of the exact field, for a batch; null where the data set is not installed.
std::optional<double> field_seconds() {
  static const std::optional<double> seconds = []() -> std::optional<double> {
    try {
      const Context context;
      const Empirical field(open_dataset("fashion-mnist", {}, context), {}, context);
      const TimedField timed(field);
      (void)sample({.field = timed, .sampler = find_sampler("euler"), .levels = noise_levels({})}, seeds(), {}, nullptr,
                   context);
      return timed.seconds_an_answer();
    } catch (const Error&) {
      return std::nullopt;
    }
  }();
  return seconds;
}

void overhead(benchmark::State& state, const SamplerEntry& sampler) {
  const std::vector<std::uint64_t> all = seeds();
  const std::vector<double> levels = noise_levels({});
  // A hundred Langevin steps a level cost a hundred times one.
  const SamplerOptions options{.langevin_steps = 1};
  PreparedField field(0);
  const std::size_t evaluations =
      evaluations_of({.field = field, .sampler = sampler, .levels = levels, .options = options});
  double seconds = 0;
  for (auto _ : state) {
    state.PauseTiming();
    field.prepare(evaluations);
    state.ResumeTiming();
    const double began = cpu_seconds();
    benchmark::DoNotOptimize(
        sample({.field = field, .sampler = sampler, .levels = levels, .options = options}, all, {}, nullptr, {}));
    seconds += cpu_seconds() - began;
  }
  seconds /= static_cast<double>(state.iterations());
  const auto steps = static_cast<double>(levels.size() - 1);
  state.counters["ms/step"] = 1e3 * seconds / steps;
  if (const auto answer = field_seconds()) {
    state.counters["field ms"] = 1e3 * *answer;
    state.counters["share"] = seconds / (static_cast<double>(evaluations) * *answer);
  }
}

void register_all() {
  for (const SamplerEntry& sampler : samplers()) {
    if (sampler.evaluations_per_step == 0) continue;  // takes as many as the field asks for
    benchmark::RegisterBenchmark(("overhead/" + std::string(sampler.name)).c_str(), [&sampler](
                                                                                        benchmark::State& state) {
      overhead(state, sampler);
    })->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace scorefield

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  scorefield::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

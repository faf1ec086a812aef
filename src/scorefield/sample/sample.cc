#include "scorefield/sample/sample.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <numeric>

#include "scorefield/base/brownian.h"
#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

void check_levels(std::span<const double> levels) {
  if (levels.size() < 2) throw Error(fmt::format("sampling needs at least 2 noise levels, got {}", levels.size()));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const bool in_range = levels[i] > 0 || (levels[i] == 0 && i + 1 == levels.size());
    if (!in_range) throw Error(fmt::format("noise level {} is {}; only the last may be 0", i, levels[i]));
    if (i > 0 && !(levels[i] < levels[i - 1])) {
      throw Error(fmt::format("noise levels must descend, but level {} is {} after {}", i, levels[i], levels[i - 1]));
    }
  }
}

int label_of(std::span<const int> labels, std::size_t k) {
  if (labels.empty()) return -1;
  return labels.size() == 1 ? labels[0] : labels[k];
}

Rows initial_states(const Sampling& sampling, std::span<const std::uint64_t> seeds, std::span<const int> labels) {
  const double sigma = sampling.levels.front();
  Rows x(seeds.size(), sampling.field.dimension());
  std::vector<double> datum(sampling.field.dimension());
  for (std::size_t k = 0; k < seeds.size(); ++k) {
    RandomStream(seeds[k], Purpose::kInitialNoise).normals(x[k]);
    if (std::isinf(sigma)) continue;
    if (sampling.start == Start::kExact) sampling.field.draw(seeds[k], label_of(labels, k), datum);
    for (std::size_t j = 0; j < datum.size(); ++j) x(k, j) = datum[j] + sigma * x(k, j);
  }
  return x;
}

TimePoint time_point(const Process& process, double sigma) {
  const double t = process.time_of(sigma);
  return {.sigma = sigma, .t = t, .law = process.at(t)};
}

}  // namespace

Samples sample(const Sampling& sampling, std::span<const std::uint64_t> seeds, std::span<const int> labels,
               Observer* observer, const Context& context) {
  check_levels(sampling.levels);
  static const std::unique_ptr<const Process> sigma_itself = make_edm();
  const Process& process = sampling.process == nullptr ? *sigma_itself : *sampling.process;
  const Field& field = sampling.field;
  const std::size_t dimension = field.dimension();
  Samples samples{initial_states(sampling, seeds, labels)};
  Rows& x = samples.x;

  std::vector<BrownianPath> paths;  // made by the first step that asks for noise
  Request request;
  if (observer != nullptr) request = observer->request();
  request.denoised = true;
  const auto ask = [&](RowsView<const double> states, double sigma, const Request& wanted) {
    ++samples.evaluations;
    return field.ask(states, std::span(&sigma, 1), labels, wanted, context);
  };

  for (std::size_t i = 0; i + 1 < sampling.levels.size(); ++i) {
    context.check_cancelled();
    const double sigma = sampling.levels[i];
    const double next = sampling.levels[i + 1];
    const Answer answer = ask(x.view(), sigma, request);
    if (observer != nullptr) observer->observe({i, sigma, x.view(), answer});
    if (std::isinf(sigma)) {
      for (std::size_t k = 0; k < x.values().size(); ++k) {
        x.values()[k] = answer.denoised.values()[k] + next * x.values()[k];
      }
      continue;
    }
    Step step{.from = time_point(process, sigma),
              .to = time_point(process, next),
              .x = x.view(),
              .denoised = answer.denoised.view(),
              .denoise = [&](RowsView<const double> states, double at) { return ask(states, at, {}).denoised; },
              .noise =
                  [&] {
                    if (paths.empty()) {
                      for (const std::uint64_t seed : seeds) paths.emplace_back(seed, dimension);
                    }
                    Rows z(seeds.size(), dimension);
                    run_tasks(context.pool, seeds.size(),
                              [&](std::size_t k, int) { paths[k].increment(sigma, next, z[k]); });
                    return z;
                  }};
    sampling.sampler.step(step);
  }
  return samples;
}

double second_moment(const Field& field) {
  const auto mean = field.mean();
  return field.variance() + std::inner_product(mean.begin(), mean.end(), mean.begin(), 0.0);
}

double start_mismatch(double second_moment, double sigma_max) {
  return second_moment / (2 * sigma_max * sigma_max);
}

double fitting_sigma_max(double second_moment, double bound) {
  return std::sqrt(second_moment / (2 * bound));
}

}  // namespace scorefield

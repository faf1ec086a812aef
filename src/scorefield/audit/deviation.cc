#include "scorefield/audit/deviation.h"

#include <fmt/format.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/sample/path_observer.h"

namespace scorefield {
namespace {

void check_dimensions(const Field& model, const Field& exact) {
  if (model.dimension() != exact.dimension()) {
    throw Error(
        fmt::format("the model is of rows of {} values, the exact field of rows of {}; they have to be of the "
                    "same data",
                    model.dimension(), exact.dimension()));
  }
}

/// Mean of |a - b| over the rows.
Estimate mean_distance(const Rows& a, const Rows& b) {
  std::vector<double> lengths(a.rows());
  for (std::size_t i = 0; i < a.rows(); ++i) {
    double square = 0;
    for (std::size_t k = 0; k < a.cols(); ++k) square += (a(i, k) - b(i, k)) * (a(i, k) - b(i, k));
    lengths[i] = std::sqrt(square);
  }
  return mean_of_sample(lengths, 0);
}

Rows denoise(const Field& field, const Rows& x, double sigma, int label, const Context& context) {
  return field.ask(x.view(), std::span(&sigma, 1), std::span(&label, 1), {}, context).denoised;
}

}  // namespace

std::vector<NoisedDeviation> deviation_on_noised_data(const Field& model, const Field& exact,
                                                      std::span<const double> levels,
                                                      std::span<const std::uint64_t> seeds, int label,
                                                      const Context& context) {
  check_dimensions(model, exact);
  const std::size_t d = exact.dimension();
  constexpr std::size_t kArrays = 5;  // clean, noise, states and two answers
  context.check_memory(kArrays * seeds.size(), d * sizeof(double), "the noised rows");
  Rows clean(seeds.size(), d);
  for (std::size_t i = 0; i < seeds.size(); ++i) exact.draw(seeds[i], label, clean[i]);
  const Rows noise = initial_noise(seeds, d);
  std::vector<NoisedDeviation> found;
  for (const double sigma : levels) {
    Rows x = noise;
    if (!std::isinf(sigma)) {
      for (std::size_t k = 0; k < x.values().size(); ++k) {
        x.values()[k] = clean.values()[k] + sigma * noise.values()[k];
      }
    }
    const Rows of_model = denoise(model, x, sigma, label, context);
    const Rows of_exact = denoise(exact, x, sigma, label, context);
    found.push_back(
        {sigma, mean_distance(of_model, of_exact), mean_distance(of_model, clean), mean_distance(of_exact, clean)});
    context.report("noise levels", static_cast<double>(found.size()), static_cast<double>(levels.size()));
  }
  return found;
}

TrajectoryDeviations deviation_on_trajectories(const Field& model, const Sampling& sampling,
                                               std::span<const std::uint64_t> seeds, int label,
                                               const Context& context) {
  const Field& exact = sampling.field;
  check_dimensions(model, exact);
  ensure(sampling.step_noise == nullptr, "the seeds' own noise, which both runs get");
  const std::size_t levels = observed_levels(sampling).size();
  constexpr std::size_t kArrays = 4;  // states and answers of two runs
  context.check_memory(kArrays * levels * seeds.size(), exact.dimension() * sizeof(double),
                       "the states of all noise levels; take fewer seeds");
  TrajectoryDeviations found;
  PathObserver of_exact;
  PathObserver of_model;
  found.exact_ends = sample(sampling, seeds, std::span(&label, 1), &of_exact, context).x;
  found.model_ends = sample(with_field(model, sampling), seeds, std::span(&label, 1), &of_model, context).x;
  found.ends = mean_distance(found.model_ends, found.exact_ends);
  for (std::size_t n = 0; n < of_exact.sigma.size(); ++n) {
    const double sigma = of_exact.sigma[n];
    found.levels.push_back(
        {sigma, mean_distance(of_model.states[n], of_exact.states[n]),
         mean_distance(of_model.denoised[n], of_exact.denoised[n]),
         mean_distance(of_model.denoised[n], denoise(exact, of_model.states[n], sigma, label, context)),
         mean_distance(denoise(model, of_exact.states[n], sigma, label, context), of_exact.denoised[n])});
  }
  return found;
}

}  // namespace scorefield

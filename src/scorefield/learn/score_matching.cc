#include "scorefield/learn/score_matching.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/base/random.h"

namespace scorefield {

Objective objective_of(std::string_view name) {
  if (name == "denoising") return Objective::kDenoising;
  if (name == "explicit") return Objective::kExplicit;
  if (name == "implicit") return Objective::kImplicit;
  if (name == "sliced") return Objective::kSliced;
  throw Error(unknown_name("objective", name, {"denoising", "explicit", "implicit", "sliced"}));
}

ScoreMatchingTask::ScoreMatchingTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch,
                                     WorkerNetworks networks, Options options)
    : NoisedTask(std::move(training), std::move(held_out), micro_batch),
      networks_(std::move(networks)),
      options_(std::move(options)) {
  ensure(options_.objective != Objective::kDenoising, "denoising has a task of its own");
  ensure(options_.probes > 0, "a probe a row");
  ensure(options_.objective != Objective::kExplicit || options_.field, "explicit score matching has a field to match");
}

LossSum ScoreMatchingTask::losses(const NoisedBatch& batch, double share, int worker, std::span<float> gradient) {
  net::Network& network = networks_.of(worker);
  if (options_.objective == Objective::kExplicit) {
    return distance_losses(batch, denoised_by(*options_.field, options_.centre, batch), share, network, gradient);
  }
  const bool all_directions = options_.objective == Objective::kImplicit;
  const std::size_t count = all_directions ? batch.clean.cols() : options_.probes;
  const double weight = all_directions ? 1 : 1 / static_cast<double>(count);
  return form_losses(batch, probes_of(batch, count), count, weight, share, network, gradient);
}

std::vector<float> ScoreMatchingTask::probes_of(const NoisedBatch& batch, std::size_t count) const {
  const std::size_t d = batch.clean.cols();
  std::vector<float> probes(batch.rows() * count * d);
  const RandomStream stream(options_.seed, Purpose::kProbe, batch.node);
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t j = 0; j < d; ++j) {
        const std::uint64_t element = ((batch.first + i) * count + k) * d + j;
        float& value = probes[(i * count + k) * d + j];
        if (options_.objective == Objective::kImplicit) {
          value = j == k ? 1.0F : 0.0F;
        } else {
          value = stream.uniform(element) < 0.5 ? -1.0F : 1.0F;
        }
      }
    }
  }
  return probes;
}

Rows denoised_by(const Field& field, std::span<const double> centre, const NoisedBatch& batch) {
  const std::size_t d = batch.clean.cols();
  Rows x = batch.state;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    for (std::size_t k = 0; k < d; ++k) x(i, k) += centre[k];
  }
  const std::vector<int> classes(batch.classes.begin(), batch.classes.end());
  Rows best = field.ask(x.view(), batch.sigma, classes, {}, {}).denoised;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    for (std::size_t k = 0; k < d; ++k) best(i, k) -= centre[k];
  }
  return best;
}

LossSum form_losses(const NoisedBatch& batch, std::span<const float> probes, std::size_t count, double probe_weight,
                    double share, net::Network& network, std::span<float> gradient) {
  const std::size_t d = batch.clean.cols();
  std::vector<float> output(batch.rows() * d);
  std::vector<float> forms(batch.rows() * count);
  network.forward_forms(batch.for_network(), probes.data(), count, output.data(), forms.data());

  // With r = D - x and J = dD/dx = skip + out in dF/d input, sigma^4 times a probe's loss is
  //   (v . r)^2 + 2 sigma^2 (v^T J v - |v|^2).
  LossSum sum;
  std::vector<double> step(d);
  std::vector<double> slope(d);
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const Preconditioning& at = batch.at[i];
    const double weight = probe_weight * batch.weight[i] / static_cast<double>(d);
    const double variance = batch.sigma[i] * batch.sigma[i];
    batch.denoised(i, output.data() + i * d, step);
    for (std::size_t j = 0; j < d; ++j) step[j] -= batch.state(i, j);
    std::fill(slope.begin(), slope.end(), 0.0);
    double loss = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const float* const v = probes.data() + (i * count + k) * d;
      float& form = forms[i * count + k];
      double along = 0;
      double length = 0;
      for (std::size_t j = 0; j < d; ++j) {
        along += static_cast<double>(v[j]) * step[j];
        length += static_cast<double>(v[j]) * static_cast<double>(v[j]);
      }
      const double curvature = (at.skip - 1) * length + at.out * at.in * static_cast<double>(form);
      loss += weight * (along * along + 2 * variance * curvature);
      for (std::size_t j = 0; j < d; ++j) slope[j] += share * weight * 2 * along * static_cast<double>(v[j]) * at.out;
      form = static_cast<float>(share * weight * 2 * variance * at.out * at.in);
    }
    for (std::size_t j = 0; j < d; ++j) output[i * d + j] = static_cast<float>(slope[j]);
    sum.add(loss);
  }
  if (!gradient.empty()) network.pull_back_forms(output.data(), forms.data(), gradient.data());
  return sum;
}

}  // namespace scorefield

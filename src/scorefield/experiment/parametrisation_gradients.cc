// The weighted losses of x0, eps, score, v and velocity have one gradient in a network's weights.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scorefield/base/random.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/experiment/mixture_field.h"
#include "scorefield/experiment/prediction_forms.h"
#include "scorefield/learn/library.h"
#include "scorefield/learn/preconditioning.h"
#include "scorefield/learn/weights.h"
#include "scorefield/sample/sample.h"

namespace scorefield {
namespace {

constexpr std::string_view kMixture = "mixture:d=8,modes=5,rank=3,noise=0.2";
constexpr const char* kProcess = "ddpm:100,1e-3,0.2";
constexpr std::size_t kRows = 256;

/// Noised rows, row i at entry 1 + i mod 99 of the process.
struct Noised {
  std::vector<Marginal> to;
  std::vector<Marginal> from;
  Rows clean;
  Rows noise;
};

Noised noised_rows(const GaussianMixture& field) {
  const auto process = make_process(kProcess);
  std::vector<std::uint64_t> seeds(kRows);
  std::iota(seeds.begin(), seeds.end(), 0);
  Noised rows{{}, {}, Rows(kRows, field.dimension()), initial_noise(seeds, field.dimension())};
  for (std::size_t i = 0; i < kRows; ++i) {
    field.draw(seeds[i], -1, rows.clean[i]);
    const auto t = static_cast<double>(1 + i % 99);
    rows.to.push_back(process->at(t - 1));
    rows.from.push_back(process->at(t));
  }
  return rows;
}

struct LossAndGradient {
  double loss = 0;  // mean over rows, nats when weighted
  std::vector<float> gradient;
};

/// Of the loss of `wanted`, from a network whose output is read as `given`. weighted: with loss_weight(), else with 1.
LossAndGradient measure_loss(net::Network& network, std::size_t weights, const Noised& rows, Prediction given,
                             Prediction wanted, bool weighted) {
  const std::size_t d = rows.clean.cols();
  const auto preconditioner = make_preconditioner({prediction_name(given), kProcess, 1});
  std::vector<float> input(kRows * d);
  std::vector<float> labels(kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    const Preconditioning at = preconditioner->at(rows.from[i].sigma);
    labels[i] = static_cast<float>(at.label);
    for (std::size_t k = 0; k < d; ++k) {
      input[i * d + k] = static_cast<float>(at.in * (rows.clean(i, k) + rows.from[i].sigma * rows.noise(i, k)));
    }
  }
  std::vector<float> output(kRows * d);
  network.forward({kRows, input.data(), labels.data(), nullptr}, output.data());
  LossAndGradient found{0, std::vector<float>(weights)};
  for (std::size_t i = 0; i < kRows; ++i) {
    const Marginal& from = rows.from[i];
    const Conversion conversion(given, wanted, from);
    const double slope = conversion(0, 1);
    const double weight = (weighted ? loss_weight(wanted, rows.to[i], from) : 1) / static_cast<double>(kRows);
    for (std::size_t k = 0; k < d; ++k) {
      const double x = from.scale * rows.clean(i, k) + from.noise * rows.noise(i, k);
      float& value = output[i * d + k];
      const double off = conversion(x, value) - target(wanted, from, rows.clean(i, k), rows.noise(i, k));
      found.loss += weight * off * off;
      value = static_cast<float>(2 * weight * off * slope);
    }
  }
  network.pull_back(output.data(), found.gradient.data(), nullptr);
  return found;
}

/// |a - b|/|b|.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double off = 0;
  double length = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double difference = static_cast<double>(a[k]) - static_cast<double>(b[k]);
    off += difference * difference;
    length += static_cast<double>(b[k]) * static_cast<double>(b[k]);
  }
  return std::sqrt(off / length);
}

Findings measure(const Context& context) {
  Findings findings;
  if (findings.missing = why_no_networks(); !findings.missing.empty()) return findings;
  const GaussianMixture field = mixture_field(kMixture, context);
  net::Architecture architecture;
  architecture.input = {field.dimension(), 1, 1};
  architecture.output = architecture.input;
  architecture.width = 64;
  architecture.layers = 2;
  Weights weights({{"", network_library().layout(architecture)}}, 0);
  // The last layer starts at 0, which would leave the others without gradient.
  std::vector<double> drawn(weights.size());
  RandomStream(0, Purpose::kProbe).normals(drawn);
  for (std::size_t k = 0; k < drawn.size(); ++k) weights.values()[k] += 0.1F * static_cast<float>(drawn[k]);
  const auto network = network_library().make(architecture, weights.of_network(0), net::Arithmetic::kFloat32);
  const Noised rows = noised_rows(field);

  Table table{
      "Loss, and the gradient of each against that of x_0 (relative): network's output read as 0 denoised, 1 "
      "noise, 2 score, 3 v, 4 velocity",
      {"read as", "loss of", "weighted loss", "difference of gradients", "of the unweighted gradients"},
      {}};
  for (std::size_t g = 0; g < kPredictions.size(); ++g) {
    double losses_apart = 0;
    double gradients_apart = 0;
    double unweighted = 0;
    const LossAndGradient first =
        measure_loss(*network, weights.size(), rows, kPredictions[g], Prediction::kDenoised, true);
    const LossAndGradient plain =
        measure_loss(*network, weights.size(), rows, kPredictions[g], Prediction::kDenoised, false);
    for (std::size_t w = 0; w < kPredictions.size(); ++w) {
      const LossAndGradient other =
          measure_loss(*network, weights.size(), rows, kPredictions[g], kPredictions[w], true);
      const LossAndGradient bare =
          measure_loss(*network, weights.size(), rows, kPredictions[g], kPredictions[w], false);
      const double apart = relative_difference(other.gradient, first.gradient);
      const double bare_apart = relative_difference(bare.gradient, plain.gradient);
      losses_apart = std::max(losses_apart, std::abs(other.loss / first.loss - 1));
      gradients_apart = std::max(gradients_apart, apart);
      unweighted = std::max(unweighted, bare_apart);
      table.rows.push_back({static_cast<double>(g), static_cast<double>(w), other.loss, apart, bare_apart});
    }
    const char* const name = prediction_name(kPredictions[g]);
    findings.checks.push_back(
        {fmt::format("network of {}: largest relative difference of the five losses", name), losses_apart, 0, 0, 1e-12,
         "one float32 output, read in double: a few roundings of terms up to 1e2 times the loss"});
    findings.checks.push_back(
        {fmt::format("network of {}: largest relative difference of the five gradients", name), gradients_apart, 0, 0,
         1e-6,
         "cotangents equal to some 1e-14 fall on the same float32, or on its neighbour at 6e-8; sums over 256 rows in "
         "float32 pull them back"});
    findings.checks.push_back({fmt::format("1 if the gradients of {} without weights differ by more than 0.1", name),
                               unweighted > 0.1 ? 1.0 : 0.0, 0, 1, 0, "the weights are what makes them one"});
  }
  findings.tables.push_back(std::move(table));
  return findings;
}

}  // namespace

Claim parametrisation_gradients_claim() {
  return {"parametrisation-gradients",
          "The losses of x_0, noise, score, v and velocity with the weights that make them terms of the ELBO have one "
          "gradient, whichever of them a network predicts.",
          "Luo 2022 (arXiv 2208.11970), equations 99, 130, 148; docs/theory/parametrisations.md",
          "A small network with random weights, its output read as each prediction and converted to each other; losses "
          "and gradients of 256 rows of an 8-dimensional mixture at all levels of a 100-step process.",
          measure};
}

}  // namespace scorefield

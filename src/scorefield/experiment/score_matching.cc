// Explicit, implicit, sliced and denoising score matching have one gradient in the parameters of the score.
#include <algorithm>
#include <array>
#include <cmath>

#include "scorefield/base/random.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/field/empirical.h"
#include "scorefield/learn/library.h"
#include "scorefield/learn/score_matching.h"
#include "scorefield/learn/weights.h"

namespace scorefield {
namespace {

constexpr double kSigma = 0.7;
constexpr std::array<double, 2> kShares = {0.35, 0.65};
constexpr std::array<double, 2> kMeans = {-1.2, 0.9};
constexpr std::array<double, 2> kDeviations = {0.3, 0.5};  // of x_0; the noise comes on top

/// s(x) = sum_k theta_k phi_k(x)
constexpr std::size_t kFeatures = 4;
using Features = std::array<double, kFeatures>;
constexpr Features kTheta = {0.3, -0.8, 0.4, -0.2};

Features features(double x) {
  return {1, x, std::sin(2 * x), x * std::exp(-x * x)};
}
Features slopes(double x) {
  return {0, 1, 2 * std::cos(2 * x), (1 - 2 * x * x) * std::exp(-x * x)};
}
double product(const Features& a, const Features& b) {
  double sum = 0;
  for (std::size_t k = 0; k < kFeatures; ++k) sum += a[k] * b[k];
  return sum;
}

double normal_density(double x, double mean, double deviation) {
  const double z = (x - mean) / deviation;
  return std::exp(-z * z / 2) / (deviation * std::sqrt(2 * M_PI));
}

struct Objectives {
  std::array<double, 3> loss{};  // explicit, implicit, denoising; in one dimension sliced is implicit
  std::array<Features, 3> gradient{};
};

/// Of the mixture noised by kSigma, by the trapezoidal rule over x_0 and the noise: functions that are smooth and
/// decay are integrated to rounding.
Objectives exact_objectives(const Features& theta) {
  constexpr double kStep = 0.05;
  constexpr double kReach = 8;
  Objectives found;
  const auto add = [&](std::size_t which, double weight, double loss, double residual, const Features& phi,
                       const Features& extra) {
    found.loss[which] += weight * loss;
    for (std::size_t k = 0; k < kFeatures; ++k) {
      found.gradient[which][k] += weight * 2 * (residual * phi[k] + extra[k]);
    }
  };
  for (double x = -2 * kReach; x <= 2 * kReach; x += kStep) {
    double density = 0;
    double slope = 0;
    for (std::size_t k = 0; k < kShares.size(); ++k) {
      const double deviation = std::hypot(kDeviations[k], kSigma);
      const double part = kShares[k] * normal_density(x, kMeans[k], deviation);
      density += part;
      slope -= part * (x - kMeans[k]) / (deviation * deviation);
    }
    if (density == 0) continue;
    const double score = slope / density;
    const Features phi = features(x);
    const double s = product(theta, phi);
    add(0, kStep * density, (s - score) * (s - score), s - score, phi, {});
    add(1, kStep * density, s * s + 2 * product(theta, slopes(x)), s, phi, slopes(x));
  }
  for (std::size_t k = 0; k < kShares.size(); ++k) {
    for (double z0 = -kReach; z0 <= kReach; z0 += kStep) {
      for (double n = -kReach; n <= kReach; n += kStep) {
        const double x = kMeans[k] + kDeviations[k] * z0 + kSigma * n;
        const double weight = kShares[k] * kStep * kStep * normal_density(z0, 0, 1) * normal_density(n, 0, 1);
        const Features phi = features(x);
        const double off = product(theta, phi) + n / kSigma;
        add(2, weight, off * off, off, phi, {});
      }
    }
  }
  return found;
}

double largest_difference(const Features& a, const Features& b) {
  double largest = 0;
  for (std::size_t k = 0; k < kFeatures; ++k) largest = std::max(largest, std::abs(a[k] - b[k]));
  return largest;
}

void check_linear_score(Findings& findings) {
  const Objectives at = exact_objectives(kTheta);
  const Objectives zero = exact_objectives({});
  const char* const reason =
      "equal in exact arithmetic; integrals of smooth decaying functions by the trapezoidal rule";
  findings.checks.push_back({"score linear in features: largest difference of the implicit gradient from the explicit",
                             largest_difference(at.gradient[1], at.gradient[0]), 0, 0, 1e-11, reason});
  findings.checks.push_back({"of the denoising gradient from the explicit",
                             largest_difference(at.gradient[2], at.gradient[0]), 0, 0, 1e-11, reason});
  // At theta = 0 the losses are E|grad log p|^2, 0 and 1/sigma^2.
  findings.checks.push_back(
      {"explicit - implicit loss, against E|grad log p|^2", at.loss[0] - at.loss[1], 0, zero.loss[0], 1e-11, reason});
  findings.checks.push_back({"denoising - explicit loss, against 1/sigma^2 - E|grad log p|^2", at.loss[2] - at.loss[0],
                             0, 1 / (kSigma * kSigma) - zero.loss[0], 1e-11, reason});
  Table table{
      "Gradients in the four parameters: explicit, implicit, denoising", {"explicit", "implicit", "denoising"}, {}};
  for (std::size_t k = 0; k < kFeatures; ++k) {
    table.rows.push_back({at.gradient[0][k], at.gradient[1][k], at.gradient[2][k]});
  }
  findings.tables.push_back(std::move(table));
}

/// Three points of the plane with every noise of a grid, by its Gaussian weights.
NoisedBatch whole_batch(const Dataset& data, const Target& target) {
  constexpr double kStep = 0.4;
  constexpr int kReach = 15;
  constexpr std::size_t kNodes = 2 * kReach + 1;
  const std::size_t rows = data.size() * kNodes * kNodes;
  NoisedBatch batch;
  batch.clean = Rows(rows, 2);
  batch.state = Rows(rows, 2);
  batch.sigma.assign(rows, kSigma);
  batch.at.assign(rows, make_preconditioner(target)->at(kSigma));
  batch.label.assign(rows, static_cast<float>(batch.at[0].label));
  batch.classes.assign(rows, -1);
  for (std::size_t i = 0; i < rows; ++i) {
    data.row(i / (kNodes * kNodes), batch.clean[i]);
    double weight = 2 / static_cast<double>(data.size());  // losses are divided by d = 2
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t place = k == 0 ? i % kNodes : i / kNodes % kNodes;
      const double z = kStep * (static_cast<double>(place) - kReach);
      weight *= kStep * normal_density(z, 0, 1);
      batch.state(i, k) = batch.clean(i, k) + kSigma * z;
      batch.input.push_back(static_cast<float>(batch.at[0].in * batch.state(i, k)));
    }
    batch.weight.push_back(weight);
  }
  return batch;
}

/// Largest difference from `reference`, over its largest value.
double apart(const std::vector<float>& gradient, const std::vector<float>& reference) {
  double largest = 0;
  double scale = 0;
  for (std::size_t k = 0; k < gradient.size(); ++k) {
    largest = std::max(largest, std::abs(static_cast<double>(gradient[k]) - static_cast<double>(reference[k])));
    scale = std::max(scale, std::abs(static_cast<double>(reference[k])));
  }
  return largest / scale;
}

void check_network(Findings& findings, const Context& context) {
  net::Architecture architecture;
  architecture.input = {2, 1, 1};
  architecture.output = {2, 1, 1};
  architecture.width = 32;
  architecture.layers = 2;
  Weights weights({{"", network_library().layout(architecture)}}, 0);
  // The last layer starts at 0, which would leave the others without gradient.
  std::vector<double> drawn(weights.size());
  RandomStream(0, Purpose::kProbe).normals(drawn);
  for (std::size_t k = 0; k < drawn.size(); ++k) weights.values()[k] += 0.1F * static_cast<float>(drawn[k]);
  const auto network = network_library().make(architecture, weights.of_network(0), net::Arithmetic::kFloat32);

  const Dataset data = make_dataset("points", std::vector<double>{-1, 0.5, 0.25, 2, 1.5, -0.75}, {2});
  const Empirical field(data, {.precision = Precision::kPrecise}, context);
  const NoisedBatch batch = whole_batch(data, {});
  const std::vector<double> centre(2);
  std::vector<float> axes;
  std::vector<float> signs;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    axes.insert(axes.end(), {1, 0, 0, 1});
    signs.insert(signs.end(), {1, 1, 1, -1, -1, 1, -1, -1});
  }
  const auto empty = [&] { return std::vector<float>(weights.size()); };
  std::vector<float> denoising = empty();
  std::vector<float> matched = empty();
  std::vector<float> implicit = empty();
  std::vector<float> sliced = empty();
  distance_losses(batch, batch.clean, 1, *network, denoising);
  distance_losses(batch, denoised_by(field, centre, batch), 1, *network, matched);
  form_losses(batch, axes, 2, 1, 1, *network, implicit);
  form_losses(batch, signs, 4, 0.25, 1, *network, sliced);
  const char* const reason =
      "equal in exact arithmetic; float32 sums of 2883 weighted rows, whose sizes add up to some ten times the largest "
      "gradient";
  findings.checks.push_back({"network in the plane: implicit against explicit gradient, relative to its largest value",
                             apart(implicit, matched), 0, 0, 1e-4, reason});
  findings.checks.push_back(
      {"sliced (all signs of a probe) against explicit", apart(sliced, matched), 0, 0, 1e-4, reason});
  findings.checks.push_back({"denoising against explicit", apart(denoising, matched), 0, 0, 1e-4, reason});
}

Findings measure(const Context& context) {
  Findings findings;
  check_linear_score(findings);
  if (findings.missing = why_no_networks(); !findings.missing.empty()) return findings;
  check_network(findings, context);
  return findings;
}

}  // namespace

Claim score_matching_claim() {
  return {
      "score-matching",
      "Explicit, implicit, sliced and denoising score matching differ by constants: their gradients in the "
      "parameters of the score are equal.",
      "Tang and Zhao 2024 (arXiv 2402.07487), theorems 3.1 and 3.3; Hyvarinen 2005; Vincent 2011; Song et al. 2019; "
      "docs/theory/losses.md",
      "A score linear in four features, on a mixture of two Gaussians on the line with noise 0.7: losses and "
      "gradients by quadrature. Then an MLP in the plane on the noised law of three points, all expectations by "
      "quadrature, the divergence by automatic differentiation.",
      measure};
}

}  // namespace scorefield

// A linear autoencoder is PPCA: what training ends at, its estimates, and the gradient of the task.
#include "scorefield/learn/autoencoder_task.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/ppca.h"
#include "scorefield/base/random.h"
#include "scorefield/learn/elbo_estimate.h"
#include "scorefield/learn/linear_network_test.h"

namespace scorefield {
namespace {

using testing_support::LinearNetwork;

constexpr std::size_t kLength = 4;
constexpr std::size_t kLatents = 2;

/// 8-bit rows of a linear model of two latents and noise.
Dataset linear_data(std::size_t rows) {
  const double loadings[kLatents][kLength] = {{30, 20, -10, 5}, {-4, 12, 18, 2}};
  std::vector<std::uint8_t> values;
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<double> drawn(kLatents + kLength);
    RandomStream(5, Purpose::kTest, i).normals(drawn);
    for (std::size_t k = 0; k < kLength; ++k) {
      const double value = 128 + drawn[0] * loadings[0][k] + drawn[1] * loadings[1][k] + 3 * drawn[kLatents + k];
      values.push_back(static_cast<std::uint8_t>(std::lround(std::min(255.0, std::max(0.0, value)))));
    }
  }
  return make_dataset<std::uint8_t>("linear", std::move(values), {kLength}, {1 / 16.0, -8});
}

struct Pair {
  std::size_t inputs;
  std::size_t outputs;
};

/// Encoder and decoder by level, linear, with latents of these numbers.
std::vector<Pair> linear_levels(const std::vector<std::size_t>& latents) {
  std::vector<Pair> made;
  std::size_t below = kLength;
  for (const std::size_t m : latents) {
    made.push_back({below, 2 * m});
    made.push_back({m, below});
    below = m;
  }
  return made;
}

struct Linear {
  std::vector<Pair> sizes;
  std::vector<std::size_t> latents;
  AutoencoderUnits units;
  Weights weights;

  Linear(const Dataset& data, const std::vector<std::size_t>& levels)
      : sizes(linear_levels(levels)), latents(levels), units(autoencoder_units(data, {})), weights(tensors(), 3) {}

  std::vector<NetworkTensors> tensors() const {
    std::vector<NetworkTensors> networks;
    for (std::size_t n = 0; n < sizes.size(); ++n) {
      networks.push_back({std::to_string(n) + ".", LinearNetwork::layout(sizes[n].inputs, sizes[n].outputs)});
    }
    return with_variances(std::move(networks));
  }
  AutoencoderTask task(const Dataset& data, double kl_weight, std::size_t batch, std::size_t micro_batch) const {
    std::vector<WorkerNetworks> networks;
    for (std::size_t n = 0; n < sizes.size(); ++n) {
      const float* const first = weights.of_network(n);
      const Pair size = sizes[n];
      networks.emplace_back([=] { return std::make_unique<LinearNetwork>(size.inputs, size.outputs, first); }, 1);
    }
    return {BatchLoader(data, {.seed = 1, .batch = batch}),
            BatchLoader(data, {.seed = 2, .batch = 50}),
            units,
            latents,
            kl_weight,
            micro_batch,
            weights,
            std::move(networks)};
  }
  AutoencoderNetworks networks() const {
    std::vector<std::shared_ptr<const Evaluator>> made;
    for (std::size_t n = 0; n < sizes.size(); ++n) {
      const float* const first = weights.of_network(n);
      const Pair size = sizes[n];
      made.push_back(std::make_unique<const Evaluator>(
          [=] { return std::make_unique<LinearNetwork>(size.inputs, size.outputs, first); }, size.inputs, size.outputs,
          false, 0));
    }
    return {units, std::move(made)};
  }
  ChainLaw law() const { return {log_variances(weights, weights.values()), units.rounding_width / units.scale}; }

  /// The maximum of the likelihood: decoder W of columns v_c sqrt(variance_c - noise), encoder the posterior of it.
  void set_to(const Ppca& model) {
    const double scale = units.scale;
    // The log density has the rounding as part of each value; the decoder's variance is of values that are not
    // smeared: noise is as PPCA has it either way.
    std::span<float> encoder = weights.values();
    std::span<float> decoder = weights.values().subspan(sizes[0].outputs * (sizes[0].inputs + 1));
    for (std::size_t c = 0; c < kLatents; ++c) {
      const double gain = std::sqrt(model.variances()[c] - model.noise()) / scale;
      const double to_mean = std::sqrt(model.variances()[c] - model.noise()) / model.variances()[c] * scale;
      for (std::size_t k = 0; k < kLength; ++k) {
        encoder[c * kLength + k] = static_cast<float>(to_mean * model.vectors()(c, k));
        encoder[(kLatents + c) * kLength + k] = 0;
        decoder[k * kLatents + c] = static_cast<float>(gain * model.vectors()(c, k));
      }
      encoder[2 * kLatents * kLength + c] = 0;
      encoder[2 * kLatents * kLength + kLatents + c] =
          static_cast<float>(std::log(model.noise() / model.variances()[c]));
    }
    for (std::size_t k = 0; k < kLength; ++k) decoder[kLength * kLatents + k] = 0;
    weights.values().back() = static_cast<float>(std::log(model.noise() / (scale * scale)) / kVarianceGain);
  }
};

TEST(LinearAutoencoder, AtTheMaximumEveryRowHasThePpcaLikelihood) {
  const Dataset data = linear_data(60);
  Linear model(data, {kLatents});
  // Mean of the rows, not of the channels, is what both are centred on: linear_data() has one channel a coordinate.
  model.set_to(Ppca(data.stored(), data.affine(), kLatents, data.affine().scale, {}));
  const double exact = ppca_log_likelihood(data, data, kLatents, data.affine().scale, {}).value;
  const ElboEstimate estimate = estimate_elbo(model.networks(), model.law(), data, 400, 9, {});
  // The posterior is exact but for the rounding u, of which it does not know: E_u KL(q(z | x) | p(z | x + u)) =
  // sum_c (rounding variance)/2 * (d mean_c/dx)^2/posterior variance_c is what the bound lacks.
  const Ppca ppca(data.stored(), data.affine(), kLatents, data.affine().scale, {});
  double gap = 0;
  for (const double variance : ppca.variances()) {
    const double slope = (variance - ppca.noise()) / (variance * variance);
    gap += data.affine().scale * data.affine().scale / 12 / 2 * slope / (ppca.noise() / variance);
  }
  EXPECT_GT(gap, 0);
  // Noise of the likelihood's draws: chi-square of two latents, of deviation about 1 a draw.
  EXPECT_NEAR(estimate.elbo.value, exact - gap, 4 * 1.0 / std::sqrt(400 * 60));
  // Weights are p(x) (averaged over the rounding) whatever was drawn, so one draw tells; float32 networks carry 1e-6 of
  // values below 10 over a deviation of noise 0.1.
  EXPECT_NEAR(estimate_elbo(model.networks(), model.law(), data, 1, 9, {}).importance_weighted.value, exact - gap,
              1e-3);
}

TEST(LinearAutoencoder, TrainingEndsAtPpca) {
  const Dataset data = linear_data(2000);
  Linear model(data, {kLatents});
  AutoencoderTask task = model.task(data, 1, 200, 200);
  TrainerOptions options;
  options.rate = {.rate = 0.03, .warm_up = 0, .decay = RateDecay::kCosine, .steps = 1200};
  options.average.kind = AverageOptions::Kind::kNone;
  options.clip = 10;
  Trainer trainer(model.weights, task, options, {});
  const double start = trainer.held_out_loss({}).mean();
  while (trainer.steps_done() < options.rate.steps) trainer.step({});
  const double exact = ppca_log_likelihood(data, data, kLatents, data.affine().scale, {}).value;
  const ElboEstimate estimate = estimate_elbo(model.networks(), model.law(), data, 20, 9, {});
  // The fitted model is the maximum of the likelihood and the bound is below it: but for the noise of 20 draws (about 1
  // nat each) of 2000 rows no training ends above.
  const double noise = 4 * 1.0 / std::sqrt(20 * 2000);
  EXPECT_LT(estimate.elbo.value, exact + noise);
  // And what the steps of a falling rate leave is a small part of the nats that training gained.
  const double gained = estimate.elbo.value + start * kLength * std::log(2.0);
  EXPECT_GT(gained, 2);
  EXPECT_GT(estimate.elbo.value, exact - 0.01 * gained - noise);
  EXPECT_LT(estimate.elbo.value, estimate.importance_weighted.value + noise);
}

TEST(AutoencoderTask, GradientAgreesWithDifferences) {
  const Dataset data = linear_data(64);
  Linear model(data, {3, 2});
  AutoencoderTask task = model.task(data, 0.5, 16, 16);
  std::vector<float> gradient(model.weights.size());
  const LossSum loss = task.add_gradient(7, 0, 0, gradient);
  std::vector<double> direction(gradient.size());
  RandomStream(4, Purpose::kTest).normals(direction);
  double expected = 0;
  for (std::size_t k = 0; k < direction.size(); ++k) expected += direction[k] * static_cast<double>(gradient[k]);
  const std::vector<float> at(model.weights.values().begin(), model.weights.values().end());
  const auto moved = [&](double step) {
    for (std::size_t k = 0; k < at.size(); ++k) {
      model.weights.values()[k] = static_cast<float>(static_cast<double>(at[k]) + step * direction[k]);
    }
    std::vector<float> none(gradient.size());
    return task.add_gradient(7, 0, 0, none).mean();
  };
  // float32: 1e-7 of a loss of some tens over the step, and the third derivative times step^2/6.
  const double step = 1e-3;
  EXPECT_NEAR((moved(step) - moved(-step)) / (2 * step), expected, 2e-3 * std::abs(expected));
  EXPECT_GT(std::abs(expected), 1e-2);
  EXPECT_EQ(loss.rows, 16U);
}

TEST(AutoencoderTask, MicroBatchesAreOneBatch) {
  const Dataset data = linear_data(64);
  Linear model(data, {3, 2});
  AutoencoderTask whole = model.task(data, 1, 30, 30);
  AutoencoderTask cut = model.task(data, 1, 30, 8);
  std::vector<float> a(model.weights.size());
  std::vector<float> b(model.weights.size());
  LossSum loss = whole.add_gradient(2, 0, 0, a);
  LossSum parts;
  ASSERT_EQ(cut.micro_batches(), 4U);
  for (std::size_t m = 0; m < 4; ++m) parts.add(cut.add_gradient(2, m, 0, b));
  EXPECT_EQ(parts.rows, 30U);
  EXPECT_NEAR(parts.sum, loss.sum, 1e-12 * std::abs(loss.sum) + 1e-12);
  for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-5 * (1 + std::abs(a[k])));
}

TEST(AutoencoderTask, LossIsMinusTheBoundInBitsAValue) {
  const Dataset data = linear_data(50);
  Linear model(data, {kLatents});
  AutoencoderTask task = model.task(data, 1, 50, 50);
  // 200 draws of every row, and 200 others.
  LossSum loss;
  for (std::uint64_t step = 0; step < 200; ++step) {
    std::vector<float> none(model.weights.size());
    loss.add(task.add_gradient(step, 0, 0, none));
  }
  const ElboEstimate estimate = estimate_elbo(model.networks(), model.law(), data, 200, 1, {});
  const Estimate bits = bits_per_dimension(estimate.elbo, kLength);
  // Both have the same rows: they differ by the noise of the draws, which is less than all that the error counts.
  EXPECT_NEAR(loss.mean(), bits.value, 4 * std::sqrt(2.0) * loss.standard_error());
}

TEST(AutoencoderTask, RefusesANegativeWeight) {
  const Dataset data = linear_data(50);
  const Linear model(data, {kLatents});
  EXPECT_THROW(model.task(data, -1, 10, 10), Error);
  EXPECT_THROW(model.task(data, std::nan(""), 10, 10), Error);
}

}  // namespace
}  // namespace scorefield

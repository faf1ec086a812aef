#include "scorefield/learn/classification.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/class_likelihood.h"
#include "scorefield/field/mixture.h"
#include "scorefield/learn/classifier.h"
#include "scorefield/learn/denoiser.h"
#include "scorefield/learn/feature_network_test.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

using testing_support::FeatureNetwork;

constexpr std::size_t kD = 2;  // and two logits: those of the feature network
constexpr std::size_t kRows = 24;

Dataset labelled_points() {
  std::vector<double> values(2 * 20);
  RandomStream(3, Purpose::kTest).normals(values);
  std::vector<std::int32_t> labels(20);
  for (std::size_t i = 0; i < 20; ++i) labels[i] = values[2 * i] > 0.3 ? 1 : 0;
  return make_dataset("points", values, {kD}, {}, labels);
}

NoisingOptions noising(std::shared_ptr<const NoiseLaw> law) {
  NoisingOptions options;
  options.centre = {0.25, -0.5};
  options.preconditioner = classifier_preconditioner(1.1);
  options.weight = [](double sigma) { return 1 / (1 + sigma); };
  options.law = std::move(law);
  return options;
}

LoaderOptions loader(std::size_t batch) {
  LoaderOptions options;
  options.seed = 11;
  options.batch = batch;
  options.labels = true;
  return options;
}

struct Fixture {
  Weights weights;
  NoisedRows rows;
  ClassificationTask task;

  explicit Fixture(std::shared_ptr<const NoiseLaw> law)
      : weights({{"", FeatureNetwork::layout(kD)}}, 1),
        rows(BatchLoader(labelled_points(), loader(kRows)), noising(law)),
        task(rows, NoisedRows::held_out(BatchLoader(labelled_points(), loader(16)), noising(law)), 10,
             WorkerNetworks([this] { return std::make_unique<FeatureNetwork>(kD, weights.values().data()); }, 1), 2, kD,
             true) {}

  LossSum gradient(std::uint64_t step, std::vector<float>& sum) {
    LossSum loss;
    sum.assign(weights.size(), 0);
    for (std::size_t k = 0; k < task.micro_batches(); ++k) loss.add(task.add_gradient(step, k, 0, sum));
    return loss;
  }
};

TEST(Classification, TheLossIsTheWeightedCrossEntropy) {
  for (const auto& law : {std::shared_ptr<const NoiseLaw>(make_log_normal(-0.5, 1)), no_noise()}) {
    Fixture f(law);
    std::vector<float> gradient;
    const LossSum loss = f.gradient(4, gradient);
    const NoisedBatch batch = f.rows.make(4, 0, kRows);
    std::vector<float> logits(kRows * kD);
    // The classes are what is to be found: the network is not told.
    FeatureNetwork(kD, f.weights.values().data())
        .evaluate({kRows, batch.input.data(), batch.label.data(), nullptr}, logits.data());
    double expected = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const double own = logits[2 * i + static_cast<std::size_t>(batch.classes[i])];
      const double other = logits[2 * i + 1 - static_cast<std::size_t>(batch.classes[i])];
      expected += std::log1p(std::exp(other - own)) / (1 + batch.sigma[i]);
    }
    EXPECT_EQ(loss.rows, kRows);
    EXPECT_NEAR(loss.sum, expected, 1e-12 * kRows);  // ten roundings in double of logits below 10
    if (law->level(0.5) == 0) {
      EXPECT_EQ(batch.state(3, 1), batch.clean(3, 1));
    }
  }
}

// Differences of fourth order in a weight, h = 1/32: their error is some h^4/30 = 3e-8 of the fifth derivative
// (features up to 3, to the fifth), and the rounding of logits of size 4 over h, 2^-24 * 4 * 32 = 8e-6.
TEST(Classification, TheGradientIsThatOfTheMeanLoss) {
  Fixture f(make_log_normal(-0.5, 1));
  std::vector<float> gradient;
  std::vector<float> unused;
  f.gradient(2, gradient);
  double largest = 0;
  for (std::size_t w = 0; w < f.weights.size(); ++w) {
    const float kept = f.weights.values()[w];
    const auto loss_at = [&](float shift) {
      f.weights.values()[w] = kept + shift;
      const double loss = f.gradient(2, unused).mean();
      f.weights.values()[w] = kept;
      return loss;
    };
    const double near = loss_at(0x1p-5F) - loss_at(-0x1p-5F);
    const double far = loss_at(0x1p-4F) - loss_at(-0x1p-4F);
    EXPECT_NEAR(gradient[w], (8 * near - far) / (12 * 0x1p-5), 3e-5) << w;
    largest = std::max(largest, std::abs(static_cast<double>(gradient[w])));
  }
  EXPECT_GT(largest, 0.01) << "nothing was tested";
}

TEST(Classification, HeldOutLossesNeverChange) {
  Fixture f(make_log_normal(-0.5, 1));
  LossSum first;
  LossSum second;
  for (std::size_t k = 0; k < f.task.held_out_batches(); ++k) first.add(f.task.held_out_loss(k, 0));
  for (std::size_t k = 0; k < f.task.held_out_batches(); ++k) second.add(f.task.held_out_loss(k, 0));
  EXPECT_EQ(first.rows, 16U);
  EXPECT_EQ(first.sum, second.sum);
}

/// The mean over states of KL(exact || answer), nats.
double divergence(const ClassAnswer& exact, const ClassAnswer& answer) {
  double sum = 0;
  for (std::size_t i = 0; i < exact.log_probability.rows(); ++i) {
    for (std::size_t c = 0; c < exact.log_probability.cols(); ++c) {
      const double log_p = exact.log_probability(i, c);
      sum += std::exp(log_p) * (log_p - answer.log_probability(i, c));
    }
  }
  return sum / static_cast<double>(exact.log_probability.rows());
}

// Draws of a mixture; what is learnt comes near the class posterior at every noise level, asked as guidance asks it.
// The divergence that is left is that of a small network after a few hundred steps: a tenth of what telling nothing
// leaves.
TEST(Classification, ANetworkLearnsTheClassPosteriorAtEveryNoiseLevel) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  std::vector<GaussianComponent> components;
  const std::vector<std::vector<double>> means = {{2, 0}, {-1, 1.5}, {0, -1.5}};
  for (std::size_t c = 0; c < 3; ++c) {
    components.push_back({1, means[c], Covariance::isotropic(2, 0.1), static_cast<int>(c)});
  }
  const GaussianMixture law(components);
  std::vector<double> values;
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < 3000; ++i) {
    std::vector<double> row(2);
    labels.push_back(static_cast<int>(i % 3));
    law.draw(i, labels.back(), row);
    values.insert(values.end(), row.begin(), row.end());
  }
  const Dataset data = make_dataset("three", values, {2}, {}, labels);
  const CentredLaw centred = centred_law(data, {});
  Classifier classifier{true, centred.centre, centred.sigma_data, form_of(data), {}, {}, {}};
  net::Architecture chosen;
  chosen.width = 32;
  chosen.layers = 2;
  classifier.architecture = classifier_architecture(chosen, classifier.data, true);

  Weights weights({{"", network_library().layout(classifier.architecture)}}, 5);
  NoisingOptions options;
  options.centre = centred.centre;
  options.preconditioner = classifier_preconditioner(centred.sigma_data);
  options.weight = [](double) { return 1.0; };
  options.law = make_tabulated(std::vector<double>{0.02, 50}, std::vector<double>{1, 1});
  ThreadPool pool(2);
  ClassificationTask task(
      NoisedRows(BatchLoader(data, {.seed = 1, .batch = 128, .labels = true}), options), std::nullopt, 64,
      WorkerNetworks(classifier.architecture, weights.values().data(), net::Arithmetic::kFloat32, pool.threads()), 3,
      classifier.architecture.output.size(), true);
  TrainerOptions training;
  training.rate.rate = 5e-3;
  training.rate.decay = RateDecay::kCosine;
  training.rate.steps = 400;
  training.average.kind = AverageOptions::Kind::kNone;
  const Context context{.pool = &pool};
  Trainer trainer(weights, task, training, context);
  for (int step = 0; step < 400; ++step) (void)trainer.step(context);

  classifier.weights.assign(trainer.average().begin(), trainer.average().end());
  const auto network = make_network_classifier(classifier);
  const ExactClassLikelihood exact(law, law.class_probabilities());
  for (const double sigma : {0.1, 0.5, 1.0, 2.0}) {
    Rows x(300, 2);
    RandomStream(8, Purpose::kTest).normals(x.values());
    std::vector<double> clean(2);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      law.draw(10000 + i, -1, clean);
      for (std::size_t k = 0; k < 2; ++k) x(i, k) = clean[k] + sigma * x(i, k);
    }
    const ClassAnswer truth = exact.ask(x.view(), {&sigma, 1}, {}, {});
    ClassAnswer nothing;
    nothing.log_probability = Rows(x.rows(), 3);
    std::ranges::fill(nothing.log_probability.values(), -std::log(3));
    EXPECT_LT(divergence(truth, network->ask(x.view(), {&sigma, 1}, {}, {})), 0.1 * divergence(truth, nothing))
        << sigma;
  }
}

}  // namespace
}  // namespace scorefield

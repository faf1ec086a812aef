#include "scorefield/learn/network_classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/guidance.h"
#include "scorefield/field/mixture.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

constexpr double kVariance = 0.04;
constexpr double kSigmaData = 1.3;
const std::vector<double> kCentre = {0.5, -0.25};
const std::vector<std::vector<double>> kMeans = {{1.5, -1}, {-0.5, 1}, {0.25, 0}};
const std::vector<double> kPriors = {0.5, 0.3, 0.2};

std::shared_ptr<const Preconditioner> edm() {
  return make_preconditioner({"edm", "edm", kSigmaData});
}

/// The network whose logits are log P(c) + log N(x; m_c, (v + sigma^2) I), up to a constant, and whose one feature is
/// its first input.
class PosteriorNetwork final : public net::Network {
 public:
  void evaluate(const net::Batch& batch, float* out) override {
    x_.assign(batch.x, batch.x + 2 * batch.rows);
    label_.assign(batch.noise_label, batch.noise_label + batch.rows);
    for (std::size_t i = 0; i < batch.rows; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        double logit = std::log(kPriors[c]);
        for (std::size_t k = 0; k < 2; ++k) logit -= off(i, c, k) * off(i, c, k) / (2 * variance(i));
        out[4 * i + c] = static_cast<float>(logit);
      }
      out[4 * i + 3] = x_[2 * i];
    }
  }
  void forward(const net::Batch& batch, float* out) override { evaluate(batch, out); }
  void pull_back(const float* cotangent, float* /*gradient*/, float* x_gradient) override {
    for (std::size_t i = 0; i < label_.size(); ++i) {
      for (std::size_t k = 0; k < 2; ++k) {
        double sum = k == 0 ? cotangent[4 * i + 3] : 0;
        for (std::size_t c = 0; c < 3; ++c) sum -= cotangent[4 * i + c] * off(i, c, k) / (variance(i) * in(i));
        x_gradient[2 * i + k] = static_cast<float>(sum);
      }
    }
  }
  void forward_forms(const net::Batch& /*batch*/, const float* /*probes*/, std::size_t /*count*/, float* /*out*/,
                     float* /*forms*/) override {}
  void pull_back_forms(const float* /*cotangent*/, const float* /*form_cotangent*/, float* /*gradient*/) override {}

 private:
  double sigma(std::size_t i) const { return std::exp(4 * static_cast<double>(label_[i])); }
  double in(std::size_t i) const { return 1 / std::hypot(sigma(i), kSigmaData); }
  double variance(std::size_t i) const { return kVariance + sigma(i) * sigma(i); }
  double off(std::size_t i, std::size_t c, std::size_t k) const {
    return x_[2 * i + k] / in(i) + kCentre[k] - kMeans[c][k];
  }

  std::vector<float> x_;
  std::vector<float> label_;
};

NetworkClassifier posterior(bool noisy = true) {
  auto evaluator = std::make_shared<Evaluator>([] { return std::make_unique<PosteriorNetwork>(); }, 2, 4, true, 0);
  return {evaluator, {kCentre, edm(), noisy}, 3};
}

GaussianMixture mixture() {
  std::vector<GaussianComponent> components;
  for (std::size_t c = 0; c < 3; ++c) {
    components.push_back({kPriors[c], kMeans[c], Covariance::isotropic(2, kVariance), static_cast<int>(c)});
  }
  return GaussianMixture(components);
}

/// Draws of the mixture at the noise level.
Rows states(const GaussianMixture& law, double sigma, std::size_t rows) {
  Rows x(rows, 2);
  RandomStream(5, Purpose::kTest).normals(x.values());
  std::vector<double> clean(2);
  for (std::size_t i = 0; i < rows; ++i) {
    law.draw(i, -1, clean);
    for (std::size_t k = 0; k < 2; ++k) x(i, k) = clean[k] + sigma * x(i, k);
  }
  return x;
}

// The network is the class posterior of the mixture: what it says, and the field that it guides, are the exact ones.
TEST(NetworkClassifier, OfTheExactPosteriorGuidesAsTheExactOneDoes) {
  const GaussianMixture law = mixture();
  const ExactClassLikelihood exact(law, law.class_probabilities());
  const NetworkClassifier network = posterior();
  ThreadPool pool(2);
  const Context context{.pool = &pool};
  const std::vector<int> labels = {0, 1, 2, -1, 2, 0, 1, 1, 0, 2, -1};
  const std::size_t rows = labels.size();
  for (const double sigma : {0.1, 0.5, 2.0, 30.0}) {
    const Rows x = states(law, sigma, rows);
    const ClassAnswer expected = exact.ask(x.view(), {&sigma, 1}, labels, context);
    const ClassAnswer answer = network.ask(x.view(), {&sigma, 1}, labels, context);
    // The input and the label are rounded to float32 (6e-8, which of the label is 2.4e-7 of sigma), and so are the
    // logits: the largest is the squared distance to the farthest mean over 2 (v + sigma^2).
    double largest = 1;
    for (std::size_t i = 0; i < rows; ++i) {
      for (const double v : expected.log_probability[i]) largest = std::max(largest, -v);
    }
    const double rounding = 2e-6 * largest;
    const double spread = 3.0;  // between the means: what a wrong share of classes moves the mean by
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(answer.log_probability(i, c), expected.log_probability(i, c), rounding) << sigma;
      }
      for (std::size_t k = 0; k < 2; ++k) {
        EXPECT_NEAR(answer.shift(i, k), expected.shift(i, k), rounding * spread) << sigma << " row " << i;
      }
      if (labels[i] < 0) {
        EXPECT_EQ(answer.shift(i, 0), 0);
      }
    }
    const double scale = 2.5;
    const Answer free = Guided(law, Guide{law, -1}, {scale}).ask(x.view(), {&sigma, 1}, labels, {}, context);
    const Answer guided = ClassifierGuided(law, network, {scale}).ask(x.view(), {&sigma, 1}, labels, {}, context);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < 2; ++k) {
        EXPECT_NEAR(guided.denoised(i, k), free.denoised(i, k), scale * rounding * spread) << sigma;
      }
    }
  }
}

TEST(NetworkClassifier, RefusesWhatItCannotTell) {
  const NetworkClassifier network = posterior();
  const NetworkClassifier clean = posterior(false);
  const Rows x(2, 2);
  const Rows wide(2, 3);
  const std::vector<double> one = {1.0};
  const std::vector<double> inf = {std::numeric_limits<double>::infinity()};
  EXPECT_THROW((void)network.ask(x.view(), one, std::vector{3}, {}), Error);
  EXPECT_THROW((void)network.ask(x.view(), one, std::vector{0, 1, 2}, {}), Error);
  EXPECT_THROW((void)network.ask(wide.view(), one, {}, {}), Error);
  EXPECT_THROW((void)network.ask(x.view(), std::vector{0.0}, {}, {}), Error);
  EXPECT_THROW((void)network.ask(x.view(), inf, std::vector{0}, {}), Error);
  EXPECT_THROW((void)network.ask_clean(x.view(), {}), Error);
  EXPECT_THROW((void)clean.ask(x.view(), one, {}, {}), Error);
  EXPECT_THROW((void)clean.ask_clean(wide.view(), {}), Error);
  Rows broken(1, 2);
  broken(0, 1) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW((void)network.ask(broken.view(), one, {}, {}), Error);
  EXPECT_THROW((void)clean.ask_clean(broken.view(), {}), Error);
}

/// A convolutional one by the plugin with random weights: 4 x 4 pixels, 3 classes, 4 features.
NetworkClassifier convolutional(bool noisy) {
  net::Architecture architecture;
  architecture.kind = "classifier";
  architecture.input = {1, 4, 4};
  architecture.output = {3 + 4, 1, 1};
  architecture.width = 4;
  architecture.multipliers = {1, 1};
  architecture.blocks = 1;
  architecture.groups = 2;
  architecture.noise_label = noisy;
  const auto layout = network_library().layout(architecture);
  std::vector<double> drawn(layout.back().offset + layout.back().size);
  RandomStream(3, Purpose::kTest).normals(drawn);
  std::vector<float> weights(drawn.begin(), drawn.end());

  return {make_evaluator(architecture, weights, 0), {std::vector<double>(16, 0.1), edm(), noisy}, 3};
}

// Along random directions, central differences of log p: their error is the third derivative's h^2/6 and the rounding
// of the logits (some 1e-6 of values up to 10) over h.
TEST(NetworkClassifier, TheShiftIsTheGradientOfTheLogProbability) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const NetworkClassifier network = convolutional(true);
  const std::size_t rows = 5;
  Rows x(rows, 16);
  Rows v(rows, 16);
  RandomStream(6, Purpose::kTest).normals(x.values());
  RandomStream(7, Purpose::kTest).normals(v.values());
  const std::vector<int> labels = {0, 1, 2, 1, 0};
  for (const double sigma : {0.2, 3.0}) {
    const ClassAnswer answer = network.ask(x.view(), {&sigma, 1}, labels, {});
    const double h = 4e-3 * std::hypot(sigma, kSigmaData);
    Rows ahead = x;
    Rows behind = x;
    for (std::size_t i = 0; i < rows * 16; ++i) {
      ahead.data()[i] += h * v.data()[i];
      behind.data()[i] -= h * v.data()[i];
    }
    const Rows up = network.ask(ahead.view(), {&sigma, 1}, {}, {}).log_probability;
    const Rows down = network.ask(behind.view(), {&sigma, 1}, {}, {}).log_probability;
    double largest = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto y = static_cast<std::size_t>(labels[i]);
      const double slope = std::inner_product(answer.shift[i].begin(), answer.shift[i].end(), v[i].begin(), 0.0);
      const double difference = (up(i, y) - down(i, y)) / (2 * h) * sigma * sigma;
      largest = std::max(largest, std::abs(difference));
      EXPECT_NEAR(slope, difference, 2.5e-3 / std::hypot(sigma, kSigmaData) * sigma * sigma) << sigma << " row " << i;
    }
    EXPECT_GT(largest, 0.02 * sigma * sigma / std::hypot(sigma, kSigmaData)) << "nothing was tested";
  }
}

TEST(NetworkClassifier, BitsDoNotDependOnTheBatchOrThreads) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const NetworkClassifier noisy = convolutional(true);
  const NetworkClassifier clean = convolutional(false);
  EXPECT_EQ(clean.features(), 4U);
  const std::size_t rows = 21;
  Rows x(rows, 16);
  RandomStream(8, Purpose::kTest).normals(x.values());
  std::vector<double> sigma(rows);
  std::vector<int> labels(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    sigma[i] = 0.1 + static_cast<double>(i % 4);
    labels[i] = static_cast<int>(i % 4) - 1;
  }
  ThreadPool pool(3);
  const ClassAnswer together = noisy.ask(x.view(), sigma, labels, {.pool = &pool});
  const ClassifierAnswer of_clean = clean.ask_clean(x.view(), {.pool = &pool});
  for (std::size_t i = 0; i < rows; ++i) {
    const ClassAnswer alone =
        noisy.ask(x.view().slice(i, 1), std::span(sigma).subspan(i, 1), std::span(labels).subspan(i, 1), {});
    const ClassifierAnswer clean_alone = clean.ask_clean(x.view().slice(i, 1), {});
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(alone.log_probability(0, c), together.log_probability(i, c)) << i;
      EXPECT_EQ(clean_alone.log_probability(0, c), of_clean.log_probability(i, c)) << i;
    }
    for (std::size_t k = 0; k < 16; ++k) EXPECT_EQ(alone.shift(0, k), together.shift(i, k)) << i;
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(clean_alone.features(0, k), of_clean.features(i, k)) << i;
  }
}

}  // namespace
}  // namespace scorefield

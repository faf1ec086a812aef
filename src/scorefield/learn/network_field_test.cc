#include "scorefield/learn/network_field.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/gaussian.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

/// The "network" that EDM's preconditioning asks for where the data are N(offset, v I): F is linear in its input.
class GaussianNetwork final : public net::Network {
 public:
  GaussianNetwork(std::size_t d, double v, double sigma_data) : d_(d), v_(v), sigma_data_(sigma_data) {}

  void evaluate(const net::Batch& batch, float* out) override {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const double sigma = std::exp(4 * static_cast<double>(batch.noise_label[i]));
      const Preconditioning at = make_preconditioner({"edm", "edm", sigma_data_})->at(sigma);
      for (std::size_t k = 0; k < d_; ++k) {
        const double y = batch.x[i * d_ + k] / at.in;
        out[i * d_ + k] = static_cast<float>((v_ / (v_ + sigma * sigma) - at.skip) * y / at.out);
      }
    }
  }
  void forward(const net::Batch& /*batch*/, float* /*out*/) override {}
  void pull_back(const float* /*cotangent*/, float* /*gradient*/, float* /*x_gradient*/) override {}
  void forward_forms(const net::Batch& /*batch*/, const float* /*probes*/, std::size_t /*count*/, float* /*out*/,
                     float* /*forms*/) override {}
  void pull_back_forms(const float* /*cotangent*/, const float* /*form_cotangent*/, float* /*gradient*/) override {}

 private:
  std::size_t d_;
  double v_;
  double sigma_data_;
};

// In units in which the network's data are half as wide: D in data units is the Gaussian's, to float32.
TEST(NetworkField, IsTheDenoiserThatItsNetworkWasMadeFor) {
  const std::size_t d = 3;
  const std::vector<double> mean = {1, -2, 0.5};
  const double v = 0.49;
  const double scale = 0.5;
  const auto evaluator = std::make_shared<Evaluator>(
      [&] { return std::make_unique<GaussianNetwork>(d, v * scale * scale, 0.3); }, d, d, true, 0);
  const NetworkField field(evaluator, make_preconditioner({"edm", "edm", 0.3}), {mean, scale}, {mean, v * d}, {});
  ThreadPool pool(2);
  Rows x(10, d);
  RandomStream(1, Purpose::kTest).normals(x.values());
  for (const double sigma : {0.01, 0.3, 2.0, 50.0}) {
    const Answer answer = field.ask(x.view(), std::vector{sigma}, {}, {}, {.pool = &pool});
    for (std::size_t i = 0; i < x.rows(); ++i) {
      for (std::size_t k = 0; k < d; ++k) {
        const double exact = mean[k] + v / (v + sigma * sigma) * (x(i, k) - mean[k]);
        // A float32 rounding (6e-8) each of the input, the label (through sigma, eightfold) and the output, of terms of
        // the size of skip y, that is |x - mean|.
        EXPECT_NEAR(answer.denoised(i, k), exact, 2e-6 * std::abs(x(i, k) - mean[k])) << sigma;
      }
    }
    const Answer alone = field.ask(x.view().slice(7, 1), std::vector{sigma}, {}, {}, {});
    for (std::size_t k = 0; k < d; ++k) EXPECT_EQ(alone.denoised(0, k), answer.denoised(7, k));
  }
}

class BrokenNetwork final : public net::Network {
 public:
  void evaluate(const net::Batch& batch, float* out) override {
    for (std::size_t i = 0; i < batch.rows; ++i) out[i] = std::numeric_limits<float>::quiet_NaN();
  }
  void forward(const net::Batch& /*batch*/, float* /*out*/) override {}
  void pull_back(const float* /*cotangent*/, float* /*gradient*/, float* /*x_gradient*/) override {}
  void forward_forms(const net::Batch& /*batch*/, const float* /*probes*/, std::size_t /*count*/, float* /*out*/,
                     float* /*forms*/) override {}
  void pull_back_forms(const float* /*cotangent*/, const float* /*form_cotangent*/, float* /*gradient*/) override {}
};

TEST(NetworkField, RefusesNonsenseAndWhatItCannotTell) {
  const auto evaluator = std::make_shared<Evaluator>([] { return std::make_unique<BrokenNetwork>(); }, 1, 1, true, 0);
  const NetworkField field(evaluator, make_preconditioner({}), {{0}, 1}, {{0}, 1}, {});
  const Rows x(1, 1);
  EXPECT_THROW((void)field.ask(x.view(), std::vector{1.0}, {}, {}, {}), Error);
  EXPECT_THROW((void)field.ask(x.view(), std::vector{1.0}, std::vector{0}, {}, {}), Error);
  EXPECT_THROW((void)field.ask(x.view(), std::vector{1.0}, {}, {.posterior = true}, {}), Error);
}

// A network by the plugin: the same bits for every batch and number of threads, with labels.
TEST(NetworkField, ARealNetworksBitsDoNotDependOnTheBatch) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  net::Architecture architecture;
  architecture.input = architecture.output = {5, 1, 1};
  architecture.classes = 4;
  architecture.width = 96;
  const auto layout = network_library().layout(architecture);
  std::vector<double> drawn(layout.back().offset + layout.back().size);
  RandomStream(3, Purpose::kTest).normals(drawn);
  std::vector<float> weights(drawn.begin(), drawn.end());
  for (float& weight : weights) weight *= 0.2F;
  const auto make = [&] { return network_library().make(architecture, weights.data(), net::Arithmetic::kFloat32); };
  const NetworkField field(std::make_shared<Evaluator>(make, 5, 5, true, 0), make_preconditioner({}),
                           {std::vector<double>(5), 1}, {std::vector<double>(5), 5}, {.count = 4});
  const std::size_t rows = 37;
  Rows x(rows, 5);
  RandomStream(4, Purpose::kTest).normals(x.values());
  std::vector<double> sigma(rows);
  std::vector<int> labels(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    sigma[i] = 0.01 + static_cast<double>(i);
    labels[i] = static_cast<int>(i % 5) - 1;
  }
  ThreadPool pool(3);
  const Answer together = field.ask(x.view(), sigma, labels, {}, {.pool = &pool});
  for (std::size_t i = 0; i < rows; ++i) {
    const Answer alone =
        field.ask(x.view().slice(i, 1), std::span(sigma).subspan(i, 1), std::span(labels).subspan(i, 1), {}, {});
    for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(alone.denoised(0, k), together.denoised(i, k)) << i;
  }
  const Answer without = field.ask(x.view().slice(1, 1), std::span(sigma).subspan(1, 1), {}, {}, {});
  EXPECT_NE(without.denoised(0, 0), together.denoised(1, 0)) << "the class is not seen";
}

}  // namespace
}  // namespace scorefield

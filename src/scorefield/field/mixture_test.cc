#include "scorefield/field/mixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/posterior_reference.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Three components in 3-D, one of each form, two of them of class 1.
GaussianMixture three_forms() {
  const std::vector<double> c = {0.5, 0.2, 0.0, 0.2, 0.4, -0.1, 0.0, -0.1, 0.3};
  const std::vector<double> factor = {0.6, -0.3, 0.2};
  std::vector<GaussianComponent> components(3);
  components[0] = {.weight = 2, .mean = {1, 0, -1}, .covariance = Covariance::full({c.data(), 3, 3}), .label = 1};
  components[1] = {.weight = 1, .mean = {-1, 0.5, 0}, .covariance = Covariance::low_rank({factor.data(), 1, 3}, 0.01)};
  components[2] = {.weight = 3, .mean = {0, 1, 1}, .covariance = Covariance::diagonal({0.1, 0, 0.7}), .label = 1};
  return GaussianMixture(std::move(components));
}

Answer ask(const Field& field, const Rows& x, double sigma, const Request& request, int label = -1) {
  return field.ask(x.view(), std::span(&sigma, 1), std::span(&label, 1), request, {});
}

Rows states(std::size_t rows, std::size_t cols, double scale) {
  Rows x(rows, cols);
  RandomStream(5, Purpose::kTest).normals(x.values());
  for (double& v : x.values()) v *= scale;
  return x;
}

double log_density(const Field& field, const Rows& x, std::size_t row, std::size_t k, double shift, double sigma,
                   int label) {
  Rows moved(1, x.cols());
  std::copy(x[row].begin(), x[row].end(), moved[0].begin());
  moved(0, k) += shift;
  return ask(field, moved, sigma, {.denoised = false, .log_density = true}, label).log_density[0];
}

TEST(GaussianMixture, ScoreIsTheGradientOfLogDensity) {
  const GaussianMixture field = three_forms();
  for (const double sigma : {0.2, 1.0, 7.0}) {
    for (const int label : {-1, 1}) {
      const Rows x = states(6, 3, 1 + sigma);
      const Answer answer = ask(field, x, sigma, {}, label);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        for (std::size_t k = 0; k < 3; ++k) {
          // Five points: truncation (h/sigma)^4 times a fifth derivative of order 1/sigma; rounding 1e-15 |log p| / h.
          const double h = 1e-3 * sigma;
          const auto f = [&](double shift) { return log_density(field, x, i, k, shift, sigma, label); };
          const double gradient = (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h);
          EXPECT_NEAR((answer.denoised(i, k) - x(i, k)) / (sigma * sigma), gradient, 1e-9 / sigma) << sigma;
        }
      }
    }
  }
}

TEST(GaussianMixture, CovarianceIsTheJacobianOfTheDenoiser) {
  const GaussianMixture field = three_forms();
  for (const double sigma : {0.3, 2.0}) {
    const Rows x = states(4, 3, 1.5);
    double trace[4] = {};
    for (std::size_t k = 0; k < 3; ++k) {
      Rows v(4, 3);
      for (std::size_t i = 0; i < 4; ++i) v(i, k) = 1;
      const Answer answer = ask(field, x, sigma, {.directions = v.view()});
      const double h = 1e-3 * sigma;
      const auto shifted = [&](double shift) {
        Rows moved = x;
        for (std::size_t i = 0; i < 4; ++i) moved(i, k) += shift;
        return ask(field, moved, sigma, {}).denoised;
      };
      const Rows a = shifted(-2 * h);
      const Rows b = shifted(-h);
      const Rows c = shifted(h);
      const Rows d = shifted(2 * h);
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          const double jacobian = (a(i, j) - 8 * b(i, j) + 8 * c(i, j) - d(i, j)) / (12 * h);
          EXPECT_NEAR(answer.covariance_product(i, j), sigma * sigma * jacobian, 1e-9 * (1 + sigma * sigma));
        }
        trace[i] += answer.covariance_product(i, k);
      }
    }
    const Answer answer = ask(field, x, sigma, {.covariance_trace = true});
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(answer.covariance_trace[i], trace[i], 1e-14);
  }
}

TEST(GaussianMixture, PointsAreTheEmpiricalPosterior) {
  constexpr std::size_t n = 7;
  constexpr std::size_t d = 4;
  Rows rows(n, d);
  RandomStream(9, Purpose::kTest).normals(rows.values());
  std::vector<double> log_weights(n);
  std::vector<GaussianComponent> components(n);
  for (std::size_t i = 0; i < n; ++i) {
    components[i].weight = static_cast<double>(i + 1);
    components[i].mean.assign(rows[i].begin(), rows[i].end());
    components[i].covariance = Covariance::isotropic(d, 0);
    log_weights[i] = std::log(static_cast<double>(i + 1));
  }
  const GaussianMixture field(std::move(components));
  const Rows x = states(5, d, 1.2);
  const Rows v = states(5, d, 0.7);
  const Request request{
      .log_density = true, .posterior = true, .covariance_trace = true, .top_k = 3, .directions = v.view()};
  for (const double sigma : {1e-6, 0.1, 0.5, 2.0, 100.0, 1e6, kInf}) {
    const Answer got = ask(field, x, sigma, request);
    const Answer expected =
        posterior_reference(rows.view(), {}, log_weights, x.view(), std::span(&sigma, 1), {}, request);
    // A logit L carries a rounding of a few 1e-16 |L|, which moves a weight by as much, relatively.
    const double logit = std::isinf(sigma) ? 1 : 1 + 20 / (sigma * sigma);
    const double tolerance = std::min(1e-13 + 1e-15 * logit, 1e-3);
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(got.log_density[i], expected.log_density[i], 1e-14 * std::abs(expected.log_density[i])) << sigma;
      EXPECT_NEAR(got.entropy[i], expected.entropy[i], 10 * tolerance) << sigma;
      EXPECT_NEAR(got.effective_sample_size[i], expected.effective_sample_size[i], 10 * tolerance) << sigma;
      EXPECT_NEAR(got.largest_weight[i], expected.largest_weight[i], tolerance) << sigma;
      EXPECT_NEAR(got.covariance_trace[i], expected.covariance_trace[i], 50 * tolerance) << sigma;
      for (std::size_t k = 0; k < d; ++k) {
        EXPECT_NEAR(got.denoised(i, k), expected.denoised(i, k), 10 * tolerance) << sigma;
        EXPECT_NEAR(got.covariance_product(i, k), expected.covariance_product(i, k), 50 * tolerance) << sigma;
      }
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_EQ(got.top_rows[i * 3 + k], expected.top_rows[i * 3 + k]) << sigma;
        EXPECT_NEAR(got.top_weights[i * 3 + k], expected.top_weights[i * 3 + k], tolerance) << sigma;
      }
    }
  }
}

TEST(GaussianMixture, FarOutItIsStillExact) {
  // log N((15, 0); 0, I_2) = -112.5 - log(2 pi): exp() of it underflows in single precision, where EDM2's toy gives
  // -inf (PyTorch float32); it is -114.34.
  std::vector<GaussianComponent> components(2);
  components[0] = {.weight = 1, .mean = {0, 0}, .covariance = Covariance::isotropic(2, 0.75)};
  components[1] = {.weight = 1, .mean = {0, 0}, .covariance = Covariance::isotropic(2, 0.75)};
  const GaussianMixture field(std::move(components));
  for (const double radius : {15.0, 150.0, 1e6}) {
    Rows x(1, 2);
    x(0, 0) = radius;
    const Answer answer = ask(field, x, 0.5, {.log_density = true, .posterior = true});
    const double expected = -0.5 * radius * radius - std::log(2 * std::numbers::pi);
    EXPECT_NEAR(answer.log_density[0], expected, 1e-15 * std::abs(expected));
    EXPECT_NEAR(answer.denoised(0, 0), 0.75 * radius, 1e-15 * radius);
    EXPECT_NEAR(answer.entropy[0], std::log(2), 1e-15);
  }
}

TEST(GaussianMixture, ConditionsOnItsLabels) {
  const GaussianMixture field = three_forms();
  EXPECT_TRUE(field.capabilities().labels);
  std::vector<GaussianComponent> kept = {field.components()[0], field.components()[2]};
  const GaussianMixture alone(std::move(kept));
  const Rows x = states(5, 3, 1.5);
  const Request request{.log_density = true, .posterior = true, .covariance_trace = true, .top_k = 2};
  const Answer conditional = ask(field, x, 0.4, request, 1);
  const Answer expected = ask(alone, x, 0.4, request);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(conditional.log_density[i], expected.log_density[i], 1e-13);
    EXPECT_NEAR(conditional.entropy[i], expected.entropy[i], 1e-14);
    EXPECT_NEAR(conditional.denoised(i, 1), expected.denoised(i, 1), 1e-14);
    EXPECT_NEAR(conditional.covariance_trace[i], expected.covariance_trace[i], 1e-14);
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_EQ(conditional.top_rows[2 * i + k], 2 * expected.top_rows[2 * i + k]);  // 0, 1 -> 0, 2
    }
  }
  EXPECT_THROW(ask(field, x, 0.4, {}, 0), Error);  // no component has label 0
  EXPECT_THROW(ask(field, x, 0.4, {}, 2), Error);
}

TEST(GaussianMixture, AnswersDoNotDependOnBatchOrThreads) {
  const GaussianMixture field = three_forms();
  const Rows x = states(200, 3, 1.5);
  const Request request{.log_density = true, .posterior = true, .covariance_trace = true};
  const Answer whole = ask(field, x, 0.4, request);
  ThreadPool pool(3);
  const double sigma = 0.4;
  const Answer threaded = field.ask(x.view(), std::span(&sigma, 1), {}, request, {.pool = &pool});
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const Answer single = field.ask(x.view().slice(i, 1), std::span(&sigma, 1), {}, request, {});
    EXPECT_EQ(whole.log_density[i], single.log_density[0]);
    EXPECT_EQ(whole.log_density[i], threaded.log_density[i]);
    EXPECT_EQ(whole.denoised(i, 2), single.denoised(0, 2));
    EXPECT_EQ(whole.denoised(i, 2), threaded.denoised(i, 2));
    EXPECT_EQ(whole.covariance_trace[i], single.covariance_trace[0]);
  }
}

TEST(GaussianMixture, DrawsHaveItsMoments) {
  const GaussianMixture field = three_forms();
  constexpr int n = 20000;
  std::vector<double> x(3);
  std::vector<double> sum(3);
  double square = 0;
  double fourth = 0;
  for (int seed = 0; seed < n; ++seed) {
    field.draw(static_cast<std::uint64_t>(seed), -1, x);
    double distance = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      sum[k] += x[k];
      distance += std::pow(x[k] - field.mean()[k], 2);
    }
    square += distance;
    fourth += distance * distance;
  }
  // Five standard errors; each coordinate's variance is below the total.
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(sum[k] / n, field.mean()[k], 5 * std::sqrt(field.variance() / n));
  const double mean_square = square / n;
  EXPECT_NEAR(mean_square, field.variance(), 5 * std::sqrt((fourth / n - mean_square * mean_square) / n));
  // Only class 1: the mean is (2 (1, 0, -1) + 3 (0, 1, 1))/5, the variance of the first coordinate below 0.6.
  double first = 0;
  for (int seed = 0; seed < n; ++seed) {
    field.draw(static_cast<std::uint64_t>(seed), 1, x);
    first += x[0];
  }
  EXPECT_NEAR(first / n, 0.4, 5 * std::sqrt(0.6 / n));
  EXPECT_THROW(field.draw(0, 7, x), Error);
  EXPECT_THROW(field.draw(0, 0, x), Error);
}

TEST(GaussianMixture, RefusesWhatIsNotAMixture) {
  const auto refuses = [](auto change) {
    std::vector<GaussianComponent> components(2);
    for (GaussianComponent& c : components) c = {.mean = {0, 0}, .covariance = Covariance::isotropic(2, 1)};
    change(components);
    EXPECT_THROW(GaussianMixture(std::move(components)), Error);
  };
  refuses([](auto& c) { c.clear(); });
  refuses([](auto& c) { c[1].mean = {0}; });
  refuses([](auto& c) { c[1].covariance = Covariance::isotropic(3, 1); });
  refuses([](auto& c) { c[1].mean[0] = kInf; });
  refuses([](auto& c) { c[1].weight = -1; });
  refuses([](auto& c) { c[0].weight = c[1].weight = 0; });
  refuses([](auto& c) { c[1].label = -2; });
}

}  // namespace
}  // namespace scorefield

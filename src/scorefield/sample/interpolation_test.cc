#include "scorefield/sample/interpolation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/sample/exponential_step.h"

namespace scorefield {
namespace {

TEST(Integrate, IsExactToRounding) {
  EXPECT_NEAR(integrate([](double t) { return std::exp(t); }, 0, 1), std::exp(1.0) - 1, 4e-16);
  EXPECT_NEAR(integrate([](double t) { return 1 / t; }, 1e-3, 1e3), std::log(1e6), 1e-14);
  // A root at the end: the panels halve down to it, each with the same relative error.
  EXPECT_NEAR(integrate([](double t) { return std::sqrt(t); }, 0, 1), 2.0 / 3, 1e-14);
}

TEST(EqualStepWeights, AreAdamsBashforths) {
  const std::vector<std::vector<double>> known = {
      {1}, {1.5, -0.5}, {23.0 / 12, -16.0 / 12, 5.0 / 12}, {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}};
  for (const auto& weights : known) {
    const auto ours = equal_step_weights(weights.size());
    for (std::size_t j = 0; j < weights.size(); ++j) EXPECT_NEAR(ours[j], weights[j], 1e-15 * 3) << weights.size();
  }
}

TEST(MomentWeights, GiveTheirMoments) {
  const std::vector<double> nodes = {0, -0.7, 1, -2.5};
  const std::vector<double> moments = {0.3, -1, 2, 0.25};
  for (std::size_t n = 1; n <= nodes.size(); ++n) {
    const auto w = moment_weights(std::span(nodes).first(n), std::span(moments).first(n));
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += w[j] * std::pow(nodes[j], static_cast<double>(k));
      EXPECT_NEAR(sum, moments[k], 1e-14) << n << " nodes, moment " << k;
    }
  }
}

TEST(MomentWeights, OfAnIntegralAreThoseOfTheLagrangeBasis) {
  const std::vector<double> nodes = {0, -0.4, -1.3, 1};
  const auto exact = lagrange_integrals(nodes, 0, 1);
  const auto ours = moment_weights(nodes, std::vector{1.0, 1.0 / 2, 1.0 / 3, 1.0 / 4});
  for (std::size_t j = 0; j < nodes.size(); ++j) EXPECT_NEAR(ours[j], exact[j], 1e-14);
}

TEST(ExponentialStep, MomentsAreThoseOfThePhiFunctions) {
  // phi_1(z) = (e^z - 1)/z, phi_{k+1}(z) = (phi_k(z) - 1/k!)/z, where that loses no digits.
  for (const double h : {0.8, 2.0, 7.0, -1.5}) {
    for (const Prediction prediction : {Prediction::kData, Prediction::kNoise}) {
      const double to = 3;
      const ExponentialStep step(prediction, to * std::exp(h), to);
      const double z = prediction == Prediction::kData ? -h : h;
      const double factor = prediction == Prediction::kData ? h : -to * h;
      const double phi_1 = (std::exp(z) - 1) / z;
      const double phi_2 = (phi_1 - 1) / z;
      const double phi_3 = (phi_2 - 0.5) / z;
      EXPECT_NEAR(step.moment(0) / (factor * phi_1), 1, 1e-14) << h;
      EXPECT_NEAR(step.moment(1) / (factor * phi_2), 1, 1e-14) << h;
      EXPECT_NEAR(step.moment(2) / (2 * factor * phi_3), 1, 1e-13) << h;
    }
  }
  // In a small step the moments go to those of a plain integral, h/(k + 1), and no digits are lost.
  const ExponentialStep small(Prediction::kData, 1, std::exp(-1e-7));
  EXPECT_NEAR(small.moment(2) / small.plain(), 1.0 / 3, 1e-7);
}

}  // namespace
}  // namespace scorefield

// The bound of linear-Gaussian chains, whose likelihood and posteriors are known, and its gradient against differences.
#include "scorefield/learn/elbo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace scorefield {
namespace {

constexpr std::size_t kLength = 3;

double log_normal(double x, double mean, double variance) {
  return -0.5 * (std::log(2 * std::numbers::pi * variance) + (x - mean) * (x - mean) / variance);
}

/// KL(N(mean, variance) | N(other_mean, other_variance)).
double divergence(double mean, double variance, double other_mean, double other_variance) {
  return 0.5 * ((variance + (mean - other_mean) * (mean - other_mean)) / other_variance - 1 -
                std::log(variance / other_variance));
}

/// x = b z_1 + noise(v_1), z_1 = a z_2 + noise(v_2), z_2 ~ N(0, 1): one latent a level. q(z_l | z_{l-1}) is
/// N(slope_l . z_{l-1} + offset_l, variance_l).
struct LinearChain {
  std::vector<double> b = {1.5, -0.7, 0.4};
  double v1 = 0.3;
  double a = 0.8;
  double v2 = 0.5;

  std::vector<double> slope1;
  double offset1 = 0;
  double variance1 = 0;
  double slope2 = 0;
  double variance2 = 0;

  double b_square() const { return b[0] * b[0] + b[1] * b[1] + b[2] * b[2]; }
  double prior1() const { return a * a + v2; }  // of z_1
  double posterior1() const { return 1 / (b_square() / v1 + 1 / prior1()); }
  double along(std::span<const double> x) const { return b[0] * x[0] + b[1] * x[1] + b[2] * x[2]; }
  double posterior2() const { return 1 / (a * a / v2 + 1); }
  double posterior_slope2() const { return posterior2() * a / v2; }

  void encode_exactly() {
    for (const double value : b) slope1.push_back(posterior1() * value / v1);
    variance1 = posterior1();
    slope2 = posterior_slope2();
    variance2 = posterior2();
  }

  /// N(0, prior1 b b^T + v1 I), by its eigenvectors.
  double log_likelihood(std::span<const double> x) const {
    const double on_axis = along(x) / std::sqrt(b_square());
    const double square = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
    return log_normal(on_axis, 0, prior1() * b_square() + v1) - std::log(2 * std::numbers::pi * v1) -
           0.5 * (square - on_axis * on_axis) / v1;
  }

  Rows apply(std::size_t level, bool decoder, const Rows& in) const {
    Rows out(in.rows(), decoder ? (level == 0 ? kLength : 1) : 2);
    for (std::size_t i = 0; i < in.rows(); ++i) {
      if (decoder && level == 0) {
        for (std::size_t k = 0; k < kLength; ++k) out(i, k) = b[k] * in(i, 0);
      } else if (decoder) {
        out(i, 0) = a * in(i, 0);
      } else if (level == 0) {
        out(i, 0) = offset1;
        for (std::size_t k = 0; k < kLength; ++k) out(i, 0) += slope1[k] * in(i, k);
        out(i, 1) = std::log(variance1);
      } else {
        out(i, 0) = slope2 * in(i, 0);
        out(i, 1) = std::log(variance2);
      }
    }
    return out;
  }
  ApplyNetwork network() const {
    return [this](std::size_t level, bool decoder, const Rows& in) { return apply(level, decoder, in); };
  }
  ChainLaw law() const { return {{std::log(v1), std::log(v2)}, 0}; }
};

const std::vector<double> kRow = {0.9, -1.4, 2.2};

Rows copies(std::size_t rows) {
  Rows x(rows, kLength);
  for (std::size_t i = 0; i < rows; ++i) std::copy(kRow.begin(), kRow.end(), x[i].begin());
  return x;
}

/// Every sign of unit noise at both levels: averages quadratic functions of Gaussian noise exactly.
void signs(std::size_t level, Rows& out) {
  for (std::size_t i = 0; i < out.rows(); ++i) out(i, 0) = (i >> level & 1U) != 0 ? 1 : -1;
}

void normals(std::size_t level, Rows& out) {
  RandomStream(3, Purpose::kTest, level).normals(out.values());
}

double mean_elbo(const LatentChain& chain, const ChainLaw& law) {
  double sum = 0;
  for (std::size_t i = 0; i < chain.x.rows(); ++i) sum += elbo_terms(chain, law, i).elbo();
  return sum / static_cast<double>(chain.x.rows());
}

// Sums of some ten terms below 100.
constexpr double kRounding = 1e-12;

TEST(Elbo, IsTheLikelihoodWhereTheEncodersAreThePosterior) {
  LinearChain model;
  model.encode_exactly();
  const LatentChain chain = draw_chain(copies(4), 2, model.network(), signs);
  EXPECT_NEAR(mean_elbo(chain, model.law()), model.log_likelihood(kRow), kRounding);
  // p(x, z)/q(z | x) = p(x) whatever was drawn.
  const LatentChain drawn = draw_chain(copies(5), 2, model.network(), normals);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(elbo_terms(drawn, model.law(), i).log_weight, model.log_likelihood(kRow), kRounding);
  }
}

TEST(Elbo, FallsShortByTheDivergencesOfTheEncoders) {
  LinearChain model;
  model.encode_exactly();
  model.offset1 = 0.3;
  model.variance1 *= 2;
  model.slope2 -= 0.2;
  model.variance2 *= 0.7;
  const double mean = model.offset1 + model.posterior1() / model.v1 * model.along(kRow);
  // Of level 2 at z_1, whose square has the mean mean^2 + variance1 under q.
  const double at_zero = divergence(0, model.variance2, 0, model.posterior2());
  const double gap = divergence(mean, model.variance1, mean - model.offset1, model.posterior1()) + at_zero +
                     0.5 * 0.2 * 0.2 * (mean * mean + model.variance1) / model.posterior2();
  const LatentChain chain = draw_chain(copies(4), 2, model.network(), signs);
  EXPECT_NEAR(mean_elbo(chain, model.law()), model.log_likelihood(kRow) - gap, kRounding);
}

TEST(Elbo, WithTheSecondLevelFixedToThePriorIsThatOfOneLevel) {
  LinearChain model;
  model.encode_exactly();
  model.a = 0;  // p(z_1 | z_2) = N(0, 1) and q(z_2 | z_1) = N(0, 1)
  model.v2 = 1;
  model.slope2 = 0;
  model.variance2 = 1;
  model.offset1 = 0.3;
  const LatentChain two = draw_chain(copies(4), 2, model.network(), signs);
  const LatentChain one = draw_chain(copies(4), 1, model.network(), signs);
  const ChainLaw law{{std::log(model.v1)}, 0};
  EXPECT_NEAR(mean_elbo(two, model.law()), mean_elbo(one, law), kRounding);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(elbo_terms(two, model.law(), i).log_weight, elbo_terms(one, law, i).log_weight, kRounding);
  }
}

TEST(Elbo, ImportanceWeightsCloseTheGap) {
  LinearChain model;
  model.encode_exactly();
  model.offset1 = 0.3;
  model.variance1 *= 2;  // wider than the posterior: weights are bounded
  const std::size_t draws = 20000;
  const LatentChain chain = draw_chain(copies(draws), 2, model.network(), normals);
  const double exact = model.log_likelihood(kRow);
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    const double weight = std::exp(elbo_terms(chain, model.law(), i).log_weight - exact);
    sum += weight / draws;
    squares += weight * weight / draws;
  }
  EXPECT_LT(mean_elbo(chain, model.law()), exact - 0.05);
  EXPECT_NEAR(sum, 1, 4 * std::sqrt((squares - sum * sum) / draws));  // unbiased for p(x): four standard errors
}

TEST(Elbo, RoundedValuesAreAveragedOverTheirInterval) {
  LinearChain model;
  model.encode_exactly();
  const LatentChain chain = draw_chain(copies(4), 1, model.network(), signs);
  const double width = 0.6;
  ChainLaw law{{std::log(model.v1)}, width};
  // The mean over u of log N(x + u | decoded, v1), by the midpoint rule of n points, which is exact to
  // (width/n)^2/24 * (second derivative 1/v1).
  constexpr std::size_t kPoints = 1000;
  for (std::size_t i = 0; i < 4; ++i) {
    double mean = 0;
    for (std::size_t k = 0; k < kLength; ++k) {
      for (std::size_t p = 0; p < kPoints; ++p) {
        const double u = width * ((static_cast<double>(p) + 0.5) / kPoints - 0.5);
        mean += log_normal(kRow[k] + u, chain.levels[0].decoded(i, k), model.v1) / kPoints;
      }
    }
    EXPECT_NEAR(elbo_terms(chain, law, i).likelihood[0], mean,
                3 * (width * width / kPoints / kPoints) / 24 / model.v1 + kRounding);
  }
}

/// Encoders and decoders tanh(W [1, in]) with all weights in one vector: two latents above three values, one above
/// them.
struct SmallNetworks {
  static constexpr std::size_t kIn[4] = {3, 2, 2, 1};
  static constexpr std::size_t kOut[4] = {4, 3, 2, 2};
  std::vector<double> weights;
  std::vector<double> gradient;
  std::vector<Rows> in{4};
  std::vector<Rows> out{4};

  static std::size_t size(std::size_t n) { return kOut[n] * (kIn[n] + 1); }
  static std::size_t offset(std::size_t n) { return n == 0 ? 0 : offset(n - 1) + size(n - 1); }
  double& weight(std::size_t n, std::size_t j, std::size_t k) { return weights[offset(n) + j * (kIn[n] + 1) + k]; }

  Rows apply(std::size_t n, const Rows& x) {
    in[n] = x;
    out[n] = Rows(x.rows(), kOut[n]);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      for (std::size_t j = 0; j < kOut[n]; ++j) {
        double sum = weight(n, j, kIn[n]);
        for (std::size_t k = 0; k < kIn[n]; ++k) sum += weight(n, j, k) * x(i, k);
        out[n](i, j) = std::tanh(sum);
      }
    }
    return out[n];
  }
  Rows pull_back(std::size_t n, const Rows& cotangent) {
    Rows by_input(cotangent.rows(), kIn[n]);
    for (std::size_t i = 0; i < cotangent.rows(); ++i) {
      for (std::size_t j = 0; j < kOut[n]; ++j) {
        const double by_sum = cotangent(i, j) * (1 - out[n](i, j) * out[n](i, j));
        double* const row = gradient.data() + offset(n) + j * (kIn[n] + 1);
        for (std::size_t k = 0; k < kIn[n]; ++k) {
          row[k] += by_sum * in[n](i, k);
          by_input(i, k) += by_sum * weight(n, j, k);
        }
        row[kIn[n]] += by_sum;
      }
    }
    return by_input;
  }
};

TEST(Elbo, GradientAgreesWithDifferences) {
  SmallNetworks networks;
  const std::size_t all = SmallNetworks::offset(3) + SmallNetworks::size(3);
  networks.weights.resize(all);
  RandomStream(1, Purpose::kTest).normals(networks.weights);
  networks.gradient.assign(all, 0);
  Rows x(5, kLength);
  RandomStream(2, Purpose::kTest).normals(x.values());
  ChainLaw law{{-0.4, 0.3}, 0.5};
  const double kl_weight = 0.7;
  const double share = 0.2;
  const auto draw = [&] {
    return draw_chain(
        x, 2,
        [&](std::size_t level, bool decoder, const Rows& in) {
          return networks.apply(2 * level + (decoder ? 1 : 0), in);
        },
        normals);
  };
  const auto value = [&] {
    const LatentChain chain = draw();
    double sum = 0;
    for (std::size_t i = 0; i < x.rows(); ++i) sum += share * elbo_terms(chain, law, i).weighted(kl_weight);
    return sum;
  };
  const std::vector<double> by_law = pull_back_elbo(
      draw(), law, kl_weight, share, [&](std::size_t level, bool decoder, const Rows& cotangent, bool wants_input) {
        Rows by_input = networks.pull_back(2 * level + (decoder ? 1 : 0), cotangent);
        return wants_input ? by_input : Rows();
      });
  // Central differences: a truncation of step^2/6 times third derivatives of some tens, and 1e-15 * |value|/step.
  const double step = 1e-5;
  const auto difference = [&](double& parameter) {
    const double at = parameter;
    parameter = at + step;
    const double above = value();
    parameter = at - step;
    const double below = value();
    parameter = at;
    return (above - below) / (2 * step);
  };
  for (std::size_t k = 0; k < all; ++k) EXPECT_NEAR(networks.gradient[k], difference(networks.weights[k]), 1e-8) << k;
  for (std::size_t l = 0; l < 2; ++l) EXPECT_NEAR(by_law[l], difference(law.log_variance[l]), 1e-8) << l;
}

}  // namespace
}  // namespace scorefield

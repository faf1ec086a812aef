#include "scorefield/process/parametrisation.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr std::array kAll = {Prediction::kDenoised, Prediction::kNoise, Prediction::kV, Prediction::kScore,
                             Prediction::kVelocity};

/// The prediction by its definition, in long double.
long double defined(Prediction prediction, const Marginal& at, long double denoised, long double noise) {
  const long double s = at.scale;
  const long double b = at.noise;
  switch (prediction) {
    case Prediction::kDenoised:
      return denoised;
    case Prediction::kNoise:
      return noise;
    case Prediction::kV:
      return (s * noise - b * denoised) / std::sqrt(s * s + b * b);
    case Prediction::kScore:
      return -noise / b;
    case Prediction::kVelocity:
      return at.dscale_dt * denoised + at.dnoise_dt * noise;
  }
  return 0;
}

TEST(Conversion, AgreesWithTheDefinitionsEverywhere) {
  const double denoised = 0.37;
  const double noise = -1.21;
  std::vector<Marginal> marginals;
  for (const std::string& name : process_names()) {
    const auto process = make_process(name);
    const double end = std::isinf(process->t_max()) ? 6.0 : process->t_max();
    for (const double u : {0.003, 0.11, 0.5, 0.93}) marginals.push_back(process->at(u * end));
  }
  for (const double sigma : {1e-6, 1e-3, 1.0, 80.0, 1e6}) marginals.push_back(ve_frame(sigma));
  for (const Marginal& at : marginals) {
    const auto x =
        static_cast<double>(static_cast<long double>(at.scale) * denoised + static_cast<long double>(at.noise) * noise);
    for (const Prediction from : kAll) {
      const auto value = static_cast<double>(defined(from, at, denoised, noise));
      for (const Prediction to : kAll) {
        const auto expected = static_cast<double>(defined(to, at, denoised, noise));
        const Conversion convert(from, to, at);
        // How far the answer moves when x and value move by their own rounding, and a few roundings of both terms.
        const double terms = std::abs(convert(x, value) - convert(0, value)) + std::abs(convert(0, value));
        EXPECT_NEAR(convert(x, value), expected, 2e-15 * terms)
            << static_cast<int>(from) << " to " << static_cast<int>(to) << " at sigma " << at.sigma;
      }
    }
  }
}

TEST(Conversion, RoundTripsAtModerateNoise) {
  for (const std::string& name : process_names()) {
    const auto process = make_process(name);
    for (const double sigma : {0.03, 0.3, 1.0, 7.0, 14.0}) {
      const Marginal at = process->at(process->time_of(sigma));
      const double x = 1.3 * std::hypot(at.scale, at.noise);
      for (const Prediction from : kAll) {
        for (const Prediction to : kAll) {
          const double value = -0.71;
          const double there = Conversion(from, to, at)(x, value);
          // The terms that cancel are at most x/(s sigma) < 100 times the value, in each direction.
          EXPECT_NEAR(Conversion(to, from, at)(x, there), value, 1e-12)
              << name << " " << static_cast<int>(from) << " to " << static_cast<int>(to) << " at " << sigma;
        }
      }
    }
  }
}

TEST(Conversion, SmallSigmaTakesTheDifferenceFirst) {
  const double sigma = 1e-6;
  const double x = 0.75 + 0x1p-20;
  const double denoised = 0.75;  // x - denoised = 2^-20 exactly
  const Marginal at = ve_frame(sigma);
  EXPECT_DOUBLE_EQ(Conversion(Prediction::kDenoised, Prediction::kNoise, at)(x, denoised), 0x1p-20 / sigma);
  EXPECT_DOUBLE_EQ(Conversion(Prediction::kDenoised, Prediction::kVelocity, at)(x, denoised), 0x1p-20 / sigma);
  EXPECT_DOUBLE_EQ(Conversion(Prediction::kDenoised, Prediction::kScore, at)(x, denoised), -0x1p-20 / sigma / sigma);
}

TEST(Conversion, VariancePreservingVIsTheUsualOne) {
  const Marginal at = make_vp()->at(0.4);
  const double denoised = 0.2;
  const double noise = 0.9;
  const double x = at.scale * denoised + at.noise * noise;
  EXPECT_NEAR(Conversion(Prediction::kDenoised, Prediction::kV, at)(x, denoised),
              at.scale * noise - at.noise * denoised, 1e-15);
}

TEST(Conversion, WorksAtInfinity) {
  // The state is the noise: x = n.
  const double x = 0.8;
  const double denoised = -0.3;
  for (const Marginal& at : {make_flow()->at(1), make_cosine()->at(1), ve_frame(kInf)}) {
    EXPECT_EQ(Conversion(Prediction::kDenoised, Prediction::kNoise, at)(x, denoised), x);
    EXPECT_EQ(Conversion(Prediction::kDenoised, Prediction::kScore, at)(x, denoised), -x);
    EXPECT_EQ(Conversion(Prediction::kNoise, Prediction::kScore, at)(x, x), -x);
    EXPECT_EQ(Conversion(Prediction::kDenoised, Prediction::kV, at)(x, denoised), -denoised);
    EXPECT_EQ(Conversion(Prediction::kV, Prediction::kDenoised, at)(x, -denoised), denoised);
    EXPECT_THROW(Conversion(Prediction::kNoise, Prediction::kDenoised, at), Error);
    EXPECT_THROW(Conversion(Prediction::kScore, Prediction::kV, at), Error);
  }
  // Rectified flow: u = n - x_0.
  EXPECT_EQ(Conversion(Prediction::kDenoised, Prediction::kVelocity, make_flow()->at(1))(x, denoised), x - denoised);
  EXPECT_DOUBLE_EQ(Conversion(Prediction::kVelocity, Prediction::kDenoised, make_flow()->at(1))(x, x - denoised),
                   denoised);
}

TEST(Conversion, SaysWhatIsNotDetermined) {
  try {
    Conversion(Prediction::kNoise, Prediction::kDenoised, ve_frame(kInf));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the noise does not determine the denoised mean at sigma = inf");
  }
  const Marginal start = make_vp()->at(0);  // sigma = 0, with an infinite derivative
  EXPECT_THROW(Conversion(Prediction::kDenoised, Prediction::kNoise, start), Error);
  EXPECT_THROW(Conversion(Prediction::kNoise, Prediction::kScore, start), Error);
  EXPECT_THROW(Conversion(Prediction::kVelocity, Prediction::kDenoised, start), Error);
  EXPECT_EQ(Conversion(Prediction::kNoise, Prediction::kDenoised, start)(0.4, 9.0), 0.4);
}

TEST(Conversion, AppliesToRows) {
  const std::array x = {1.0, 2.0};
  std::array value = {0.5, 0.25};
  Conversion(Prediction::kDenoised, Prediction::kNoise, ve_frame(2)).apply(x, value, value);
  EXPECT_EQ(value, (std::array{0.25, 0.875}));
}

}  // namespace
}  // namespace scorefield

#include "scorefield/experiment/prediction_forms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/experiment/mixture_field.h"
#include "scorefield/experiment/predicted_field.h"
#include "scorefield/sample/linear_step.h"

namespace scorefield {
namespace {

TEST(ReverseStep, IsLuosPosteriorAndTheLibrarysStep) {
  const auto ddpm = make_process("ddpm:100,1e-3,0.2");
  for (const double t : {1.0, 40.0, 99.0}) {
    const Marginal from = ddpm->at(t);
    const Marginal to = ddpm->at(t - 1);
    const ReverseStep step(to, from);
    // Luo 2022, eq. 84 and 85, in alpha_bar and alpha_t.
    const double bar = from.scale * from.scale;
    const double bar_before = to.scale * to.scale;
    const double alpha = bar / bar_before;
    const double x = 1.3;
    const double clean = -0.7;
    const double mean =
        (std::sqrt(alpha) * (1 - bar_before) * x + std::sqrt(bar_before) * (1 - alpha) * clean) / (1 - bar);
    // 1 - alpha cancels: 1e-16 over 1e-3.
    EXPECT_NEAR(step.mean(Prediction::kDenoised, x, clean), mean, 1e-12);
    EXPECT_NEAR(step.variance(), (1 - alpha) * (1 - bar_before) / (1 - bar), 1e-12);
    const double noise = (x - from.scale * clean) / from.noise;
    for (const Prediction p : kPredictions) {
      EXPECT_NEAR(step.mean(p, x, target(p, from, clean, noise)), mean, 1e-12) << prediction_name(p);
    }
    const LinearStep library = linear_step(find_sampler("posterior"), *ddpm, t, t - 1);
    EXPECT_NEAR(step.mean(Prediction::kDenoised, x, clean), library.state * x + library.denoised * clean, 1e-14);
    EXPECT_NEAR(step.variance(), library.noise * library.noise, 1e-15);
  }
}

TEST(LossWeight, IsTheDivergenceOfTheStep) {
  for (const char* name : {"vp", "flow", "edm"}) {
    const auto process = make_process(name);
    const Marginal from = process->at(process->time_of(2));
    const Marginal to = process->at(process->time_of(1.5));
    const ReverseStep step(to, from);
    const double clean = 0.4;
    const double noise = -1.1;
    const double x = from.scale * clean + from.noise * noise;
    const double guess = 1.9;
    const double divergence =
        step.divergence(step.mean(Prediction::kDenoised, x, clean), step.mean(Prediction::kDenoised, x, guess));
    EXPECT_NEAR(divergence, 0.5 * (1 / 2.25 - 0.25) * 1.5 * 1.5, 1e-14) << name;  // Luo 2022, eq. 110
    for (const Prediction p : kPredictions) {
      const double off = Conversion(Prediction::kDenoised, p, from)(x, guess) - target(p, from, clean, noise);
      EXPECT_NEAR(loss_weight(p, to, from) * off * off, divergence, 1e-14) << name << " " << prediction_name(p);
    }
  }
}

TEST(FieldAsNetwork, AnswersAsTheFieldToFloat32) {
  const GaussianMixture field = mixture_field("mixture:d=4,modes=3,rank=1,noise=0.3", {});
  const std::vector<double> levels = {40, 1, 0.02, 0};
  Rows x(2, 4);
  for (std::size_t k = 0; k < 8; ++k) x.values()[k] = 0.3 * static_cast<double>(k) - 1;
  for (const Prediction p : kPredictions) {
    const auto network = field_as_network(field, {prediction_name(p), "vp", 1}, levels);
    const PredictedField converted(field, p, make_process("vp"));
    for (const double sigma : {40.0, 1.0, 0.02}) {
      const Rows exact = field.ask(x.view(), std::span(&sigma, 1), {}, {}, {}).denoised;
      const Rows in_single = network->ask(x.view(), std::span(&sigma, 1), {}, {}, {}).denoised;
      const Rows in_double = converted.ask(x.view(), std::span(&sigma, 1), {}, {}, {}).denoised;
      for (std::size_t k = 0; k < 8; ++k) {
        // Input and output of a few units to 6e-8; D is x less sigma times a noise, and moves with x by a few.
        EXPECT_NEAR(in_single.values()[k], exact.values()[k], 1e-6 * (1 + sigma)) << prediction_name(p) << sigma;
        EXPECT_NEAR(in_double.values()[k], exact.values()[k], 1e-15 * (8 + 4 * sigma)) << prediction_name(p) << sigma;
      }
    }
  }
}

}  // namespace
}  // namespace scorefield

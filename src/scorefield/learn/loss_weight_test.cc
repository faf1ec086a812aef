#include "scorefield/learn/loss_weight.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/process/parametrisation.h"

namespace scorefield {
namespace {

Target target_of(const std::string& predicts, const std::string& process) {
  Target target;
  target.predicts = predicts;
  target.process = process;
  target.sigma_data = 0.7;
  return target;
}

TEST(LossWeight, PlainLossOfEveryPredictionIsThatOfItsConversion) {
  // An error e of D makes one of the prediction: Conversion is linear in D.
  const std::vector<std::pair<const char*, Prediction>> predictions = {{"denoised", Prediction::kDenoised},
                                                                       {"noise", Prediction::kNoise},
                                                                       {"v", Prediction::kV},
                                                                       {"score", Prediction::kScore},
                                                                       {"velocity", Prediction::kVelocity}};
  for (const char* const process : {"edm", "vp", "ou", "cosine", "flow"}) {
    for (const auto& [name, prediction] : predictions) {
      const LossWeight weight = make_loss_weight("plain", target_of(name, process));
      const auto in = make_process(process);
      for (const double sigma : {0.02, 0.5, 1.0, 7.0}) {
        const double change = Conversion(Prediction::kDenoised, prediction, in->at(in->time_of(sigma)))(0, 1);
        EXPECT_NEAR(weight(sigma) / (change * change), 1, 1e-12) << process << " " << name << " " << sigma;
      }
    }
  }
}

TEST(LossWeight, ClosedForms) {
  const Target edm = target_of("edm", "edm");
  for (const double sigma : {0.01, 0.3, 1.0, 2.5, 40.0}) {
    const double snr = 1 / (sigma * sigma);
    const auto at = [&](const char* spec, const Target& target) { return make_loss_weight(spec, target)(sigma); };
    const double tolerance = 1e-12;  // relative: some ten roundings, and sigma from t of a process
    EXPECT_NEAR(at("plain", edm) * std::pow(sigma * 0.7, 2) / (sigma * sigma + 0.49), 1, tolerance);
    EXPECT_EQ(at("edm", target_of("v", "vp")), at("plain", edm));
    EXPECT_EQ(at("uniform", edm), 1);
    EXPECT_NEAR(at("x0", edm), 1, tolerance);
    EXPECT_NEAR(at("snr", edm) / snr, 1, tolerance);
    EXPECT_NEAR(at("eps", target_of("edm", "cosine")) / snr, 1, tolerance);
    EXPECT_NEAR(at("snr+1", edm) / (snr + 1), 1, tolerance);
    EXPECT_NEAR(at("v", target_of("edm", "vp")) / (snr + 1), 1, tolerance);
    EXPECT_NEAR(at("max-snr", edm), std::max(snr, 1.0), tolerance * snr);
    EXPECT_NEAR(at("min-snr:5", edm), std::min(snr, 5.0), tolerance * 5);
    // Rectified flow: n - x_0 with x = (1 - t) x_0 + t n; sigma = t/(1 - t).
    EXPECT_NEAR(at("flow", target_of("edm", "flow")) / std::pow(1 + 1 / sigma, 2), 1, tolerance);
    // OU: h = sigma^2/(1 + sigma^2); the score's plain loss is that of eps over h.
    const double h = sigma * sigma / (1 + sigma * sigma);
    EXPECT_NEAR(at("ou:0", edm) / (1 - h), 1, 1e-11);
    EXPECT_NEAR(at("ou:1", edm) / snr, 1, tolerance);
    EXPECT_NEAR(at("ou:2", edm) / (snr / h), 1, tolerance);
    EXPECT_NEAR(at("score", target_of("edm", "ou")) / (snr / h), 1, tolerance);
  }
}

TEST(LossWeight, UnknownOnesAreRefused) {
  for (const char* const bad : {"", "min-snr", "min-snr:", "min-snr:0", "min-snr:-1", "ou", "ou:x", "ou:-1", "snr2"}) {
    EXPECT_THROW(make_loss_weight(bad, {}), Error) << bad;
  }
}

}  // namespace
}  // namespace scorefield

#include "scorefield/learn/declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

Declaration parsed(const std::string& text) {
  Declaration declaration;
  read_declaration(nlohmann::json::parse(text), "net.json", declaration);
  return declaration;
}

TEST(Declaration, IsReadFromJsonAndFromFlagsAlike) {
  const Declaration read = parsed(
      R"({"predicts": "eps", "process": "ddpm-linear", "time": "step/1000", "range": [-0.5, 0.5], "shape": [1, 28, 28],
          "classes": 11, "no_class": 10, "rounding": "nearest", "input": "x_t/s", "mean": -0.5, "variance": 0.25})");
  EXPECT_EQ(read.predicts, "eps");
  EXPECT_EQ(read.dimension(), 784U);
  EXPECT_EQ(read.scale(), 0.5);
  EXPECT_EQ(read.centre(), 0);
  EXPECT_EQ(read.no_class, 10U);
  Declaration typed;
  for (const auto& [key, text] : std::vector<std::pair<std::string, std::string>>{{"predicts", "eps"},
                                                                                  {"process", "ddpm-linear"},
                                                                                  {"time", "step/1000"},
                                                                                  {"range", "-0.5,0.5"},
                                                                                  {"shape", "1,28,28"},
                                                                                  {"classes", "11"},
                                                                                  {"no_class", "10"},
                                                                                  {"rounding", "nearest"},
                                                                                  {"input", "x_t/s"},
                                                                                  {"mean", "-0.5"},
                                                                                  {"variance", "0.25"}}) {
    set_declared(key, "--" + key, text, typed);
  }
  EXPECT_EQ(declaration_json(typed), declaration_json(read));
  EXPECT_EQ(declaration_json(parsed(declaration_json(read).dump())), declaration_json(read));
}

TEST(Declaration, SaysWhatIsWrongAndWhatIsNear) {
  const auto expect = [](const std::string& text, const std::string& part) {
    EXPECT_THAT([&] { parsed(text); }, ThrowsMessage<Error>(AllOf(HasSubstr("net.json"), HasSubstr(part)))) << text;
  };
  expect(R"({"predict": "eps"})", "did you mean 'predicts'");
  expect(R"([1])", "one JSON object");
  expect(R"({"predicts": 5})", "predicts is 5; it must be a name");
  expect(R"({"range": [0.5, -0.5]})", "two rising numbers");
  expect(R"({"range": "-0.5,0.5"})", "two rising numbers");
  expect(R"({"shape": [1, 28]})", "channels, height and width");
  expect(R"({"shape": [1, 0, 28]})", "channels, height and width");
  expect(R"({"shape": [100000, 100000, 100000]})", "at most 2^28");
  expect(R"({"classes": -1})", "a whole number");
  expect(R"({"classes": 1.5})", "a whole number");
  expect(R"({"variance": 0})", "above 0");
  Declaration declaration;
  EXPECT_THAT([&] { set_declared("shape", "--shape", "1,x,28", declaration); },
              ThrowsMessage<Error>(HasSubstr("--shape")));
  EXPECT_THAT([&] { set_declared("no_class", "--no-class", "ten", declaration); },
              ThrowsMessage<Error>(HasSubstr("--no-class")));
}

Declaration of(const std::string& predicts, const std::string& process, const std::string& time) {
  Declaration declaration;
  declaration.predicts = predicts;
  declaration.process = process;
  declaration.time = time;
  declaration.shape = {1, 2, 2};
  return declaration;
}

TEST(Declaration, RefusesPartsThatDoNotGoTogether) {
  const auto expect = [](const Declaration& declaration, const std::string& part) {
    EXPECT_THAT([&] { make_declared_preconditioner(declaration); }, ThrowsMessage<Error>(HasSubstr(part))) << part;
  };
  expect(of("noize", "ddpm", "step"), "did you mean 'noise'");
  expect(of("eps", "ddmp", "step"), "did you mean 'ddpm'");
  expect(of("eps", "ddpm", "steps"), "did you mean 'step'");
  expect(of("eps", "ddpm", "step/0"), "behind step stands");
  expect(of("eps", "ddpm", "step/x"), "behind step stands");
  expect(of("eps", "edm", "step"), "process edm has no steps");
  Declaration strange = of("eps", "ddpm", "step");
  strange.rounding = "down";
  expect(strange, "known are none and nearest");
  strange = of("eps", "ddpm", "step");
  strange.input = "unit:0";
  expect(strange, "input 'unit:0'");
  expect(of("edm", "edm", "log-sigma/4"), "unit:0.5");
}

/// What the network is told at the t-th of the process.
double label(const Declaration& declaration, double t) {
  const auto process = make_process(declaration.process);
  return make_declared_preconditioner(declaration)->at(process->at(t).sigma).label;
}

TEST(Declaration, TellsTheTimeInTheNetworksWay) {
  // t of ddpm is the index; its inverse is exact to some roundings of log sigma over the slope, 1e-13.
  EXPECT_NEAR(label(of("eps", "ddpm", "t"), 41), 41, 1e-10);
  EXPECT_NEAR(label(of("eps", "ddpm", "index"), 41), 41, 1e-10);
  EXPECT_NEAR(label(of("eps", "ddpm", "step"), 41), 42, 1e-10);
  EXPECT_NEAR(label(of("eps", "ddpm", "step/1000"), 41), 0.042, 1e-13);
  EXPECT_NEAR(label(of("eps", "vp", "t*999"), 0.5), 499.5, 1e-10);
  EXPECT_NEAR(label(of("eps", "cosine", "index"), 0.25), 249, 1e-10);
  EXPECT_NEAR(label(of("flow", "flow", "1-t"), 0.25), 0.75, 1e-14);
  EXPECT_NEAR(label(of("x0", "edm", "log sigma/4"), 3), std::log(3) / 4, 1e-14);
  EXPECT_NEAR(label(of("x0", "edm", "log_snr"), 3), -2 * std::log(3), 1e-14);
  EXPECT_EQ(label(of("x0", "edm", "none"), 3), 0);
  Declaration whole = of("eps", "ddpm", "step");
  whole.rounding = "nearest";
  EXPECT_EQ(label(whole, 41.4), 42);
  EXPECT_EQ(label(whole, 0), 1);
  EXPECT_EQ(label(whole, 999), 1000);
  whole.process = "cosine";
  EXPECT_EQ(label(whole, 0.2504), 250);
  whole.time = "sigma";
  EXPECT_NEAR(label(whole, 0.2504), make_cosine()->at(0.25).sigma, 1e-14);
}

TEST(Declaration, GivesSigmaInTheNetworksUnits) {
  Declaration half = of("eps", "ddpm", "sigma");
  half.low = 0;  // [0, 1] in the network
  const auto process = make_ddpm();
  const double sigma = process->at(500).sigma;
  EXPECT_NEAR(make_declared_preconditioner(half)->at(sigma).label, sigma, 1e-12);
  EXPECT_EQ(half.centre(), -1);
  EXPECT_EQ(sigma_range(half).most, 2 * process->at(999).sigma);
  EXPECT_THAT([&] { make_declared_preconditioner(half)->at(1e3); },
              ThrowsMessage<Error>(HasSubstr("to 314.8")));  // 2 sqrt(1/4.036e-5 - 1)
}

/// The law N(mean, variance) a coordinate, as a network of one of the kinds would have learnt it.
struct Kind {
  std::string predicts, process, time, input;
  double t;
};

class Kinds : public testing::TestWithParam<Kind> {};

TEST_P(Kinds, MakeTheDenoiserOfAGaussian) {
  const Kind& kind = GetParam();
  Declaration declaration = of(kind.predicts, kind.process, kind.time);
  declaration.input = kind.input;
  const auto process = make_process(kind.process);
  const Marginal law = process->at(kind.t);
  const double mean = 0.3;
  const double variance = 0.04;
  const double noise = 0.7;
  const double x0 = 0.2;

  // By the definitions, in the process's own coordinates.
  const double xt = law.scale * x0 + law.noise * noise;
  const double total = law.scale * law.scale * variance + law.noise * law.noise;
  const double denoised = mean + law.scale * variance / total * (xt - law.scale * mean);
  const double eps = law.noise / total * (xt - law.scale * mean);
  double value = denoised;
  if (kind.predicts == "eps") value = eps;
  if (kind.predicts == "v") value = law.scale * eps - law.noise * denoised;
  if (kind.predicts == "score") value = -(xt - law.scale * mean) / total;
  if (kind.predicts == "flow") value = law.dscale_dt * denoised + law.dnoise_dt * eps;
  if (kind.predicts == "reversed-velocity") value = -law.dscale_dt * denoised - law.dnoise_dt * eps;

  const double sigma = law.sigma;
  const Preconditioning at = make_declared_preconditioner(declaration)->at(sigma);
  const double y = std::isinf(sigma) ? noise : xt / law.scale;
  const double shown = kind.input == "x_t" ? xt : kind.input == "x_t/s" ? y : y / std::hypot(sigma, 0.5);
  EXPECT_NEAR(at.in * y, shown, 1e-13 * std::abs(shown));
  const double size = std::abs(at.skip * y) + std::abs(at.out * value);
  EXPECT_NEAR(at.skip * y + at.out * value, denoised, 1e-11 * size);  // some roundings; time_of() amplifies a few
}

INSTANTIATE_TEST_SUITE_P(
    All, Kinds,
    testing::Values(Kind{"x0", "edm", "log-sigma/4", "x_t", 2.5}, Kind{"x0", "edm", "sigma", "unit:0.5", 0.02},
                    Kind{"eps", "ddpm", "step/1000", "x_t", 500}, Kind{"eps", "ddpm", "step", "x_t", 0},
                    Kind{"eps", "ldm", "index", "x_t/s", 999}, Kind{"v", "cosine", "t", "x_t", 0.4},
                    Kind{"v", "cosine", "t", "x_t", 1}, Kind{"v", "ddpm", "index", "unit:0.5", 250},
                    Kind{"score", "vp", "t*999", "x_t", 0.3}, Kind{"score", "ve", "sigma", "x_t", 0.5},
                    Kind{"score", "sub-vp", "t", "x_t", 0.7}, Kind{"flow", "flow", "t", "x_t", 0.3},
                    Kind{"flow", "flow", "t", "x_t", 1}, Kind{"reversed-velocity", "flow", "1-t", "x_t", 0.6}));

TEST(Declaration, TakesTheRawNetworkOfEdm) {
  Declaration raw = of("edm", "edm", "log-sigma/4");
  raw.input = "unit:0.5";
  // Karras et al. 2022, table 1, at sigma = 0.5: c_skip = 1/2, c_out = 1/(2 sqrt 2), c_in = sqrt 2.
  const Preconditioning at = make_declared_preconditioner(raw)->at(0.5);
  EXPECT_NEAR(at.skip, 0.5, 1e-15);
  EXPECT_NEAR(at.out, std::sqrt(0.125), 1e-15);
  EXPECT_NEAR(at.in, std::sqrt(2), 1e-15);
  EXPECT_NEAR(at.label, std::log(0.5) / 4, 1e-15);
}

}  // namespace
}  // namespace scorefield

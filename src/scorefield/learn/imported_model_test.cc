#include "scorefield/learn/imported_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/npz.h"
#include "scorefield/learn/library.h"
#include "scorefield/process/process.h"
#include "tests/paths.h"

namespace scorefield {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

#define SKIP_WITHOUT_NETWORKS() \
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks()

std::string model(const std::string& name) {
  return std::string(SCOREFIELD_SOURCE_DIR) + "/tests/models/" + name;
}

TEST(ImportedModel, IsTheDenoiserInDataUnits) {
  SKIP_WITHOUT_NETWORKS();
  // make.py's law, in the network's units; gaussian-eps.json says [-0.5, 0.5].
  const std::vector<double> mean = {-0.25, 0.1, 0.3, 0.0};
  const std::vector<double> deviation = {0.05, 0.2, 0.1, 0.3};
  const Declaration declaration = read_declaration_beside(model("gaussian-eps.pt"), {});
  const auto field = make_imported_field(open_network(model("gaussian-eps.pt"), declaration), declaration);
  EXPECT_EQ(field->dimension(), 4U);
  ThreadPool pool(2);
  Rows x(11, 4);
  RandomStream(1, Purpose::kTest).normals(x.values());
  for (const double step : {1.0, 10.0, 300.0, 1000.0}) {
    const double sigma = make_ddpm()->at(step - 1).sigma / 0.5;
    const Answer answer = field->ask(x.view(), std::vector{sigma}, {}, {}, {.pool = &pool});
    for (std::size_t i = 0; i < x.rows(); ++i) {
      for (std::size_t k = 0; k < 4; ++k) {
        const double m = mean[k] / 0.5;
        const double v = deviation[k] * deviation[k] / 0.25;
        const double exact = m + v / (v + sigma * sigma) * (x(i, k) - m);
        // x_t, the time and eps are float32 numbers; eps goes into D times sigma.
        EXPECT_NEAR(answer.denoised(i, k), exact, 1e-6 * (1 + sigma + std::abs(x(i, k)))) << step;
      }
    }
  }
  EXPECT_THAT([&] { (void)field->ask(x.view(), std::vector{1000.0}, {}, {}, {}); },
              ThrowsMessage<Error>(HasSubstr("noise levels from sigma = 0.02")));
}

TEST(ImportedModel, ReproducesTheReferenceOfARealModel) {
  SKIP_WITHOUT_NETWORKS();
  const std::string folder = SCOREFIELD_SHARED_DIR "/models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "needs the reference model, " << folder;
  Declaration declaration;
  set_declared("predicts", "--predicts", "eps", declaration);
  set_declared("process", "--process", "ddpm:1001,1e-4,0.02", declaration);
  set_declared("time", "--time", "index/1000", declaration);
  set_declared("range", "--range", "-0.5,0.5", declaration);
  set_declared("shape", "--shape", "1,28,28", declaration);
  const auto network = open_network(folder + "/mnist-ddpm.pt", declaration);
  EXPECT_EQ(network->slots(), 8U);
  const NpzFile file = open_npz(folder + "/mnist-ddpm-reference.npz");
  const auto floats = [&](const char* name) {
    const Array array = file.read(name, {});
    std::vector<float> values(array.bytes.size() / sizeof(float));
    std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
    return values;
  };
  const std::vector<float> x = floats("x");
  const std::vector<float> t = floats("t");
  const std::vector<float> eps = floats("eps");
  const std::vector<float> alphabar = floats("alphabar");
  std::vector<float> out(eps.size());
  network->evaluate({t.size(), x.data(), t.data(), nullptr}, out.data(), {});
  for (std::size_t i = 0; i < eps.size(); ++i) ASSERT_NEAR(out[i], eps[i], 1e-5) << i;  // what is asked for

  // Its table has 1001 entries, of which index = step: alphabar[0] is that of one step already.
  // The same as a field, by the table of alphabar in the reference: D = (x_t - sqrt(1 - abar) eps)/sqrt(abar).
  const auto field = make_imported_field(network, declaration);
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double abar = alphabar[static_cast<std::size_t>(std::lround(t[i] * 1000))];
    const double scale = std::sqrt(abar);
    const double noise = std::sqrt(1 - abar);
    Rows state(1, 784);
    for (std::size_t k = 0; k < 784; ++k) state(0, k) = x[i * 784 + k] / scale / 0.5;
    const Answer answer = field->ask(state.view(), std::vector{noise / scale / 0.5}, {}, {}, {});
    for (std::size_t k = 0; k < 784; ++k) {
      const double exact = (x[i * 784 + k] - noise * eps[i * 784 + k]) / scale / 0.5;
      // abar is a float32 number there, 1e-5 of 1 - abar at t = 0.02; eps goes into D times sigma.
      ASSERT_NEAR(answer.denoised(0, k), exact, 4e-5 * (1 + noise / scale)) << t[i];
    }
  }
}

TEST(ImportedModel, SaysAtWhichSigmaItGivesNoNumbers) {
  SKIP_WITHOUT_NETWORKS();
  Declaration declaration;
  declaration.shape = {1, 2, 2};
  const auto field = make_imported_field(open_network(model("nan.pt"), declaration), declaration);
  const Rows x(3, 4);
  EXPECT_NO_THROW((void)field->ask(x.view(), std::vector{9.0}, {}, {}, {}));
  EXPECT_THAT([&] { (void)field->ask(x.view(), std::vector{11.0}, {}, {}, {}); },
              ThrowsMessage<Error>(HasSubstr("at sigma = 11")));
}

TEST(ImportedModel, KnowsWhetherItNeedsAClass) {
  SKIP_WITHOUT_NETWORKS();
  Declaration declaration;
  declaration.shape = {1, 2, 2};
  declaration.classes = 5;
  const auto ask = [&](std::vector<int> labels) {
    const auto field = make_imported_field(open_network(model("classes.pt"), declaration), declaration);
    return field->ask(Rows(1, 4).view(), std::vector{1.0}, labels, {}, {}).denoised(0, 0);
  };
  EXPECT_EQ(ask({3}), 3);  // x t + class, at x = 0
  EXPECT_THAT([&] { ask({}); }, ThrowsMessage<Error>(HasSubstr("always needs a class")));
  EXPECT_THAT([&] { ask({-1}); }, ThrowsMessage<Error>(HasSubstr("always needs a class")));
  EXPECT_THROW(ask({5}), Error);
  declaration.no_class = 7;
  EXPECT_EQ(ask({}), 7);
  EXPECT_EQ(ask({-1}), 7);
}

TEST(ImportedModel, NeedsItsShape) {
  EXPECT_THAT([&] { open_network(model("scaled.pt"), {}); }, ThrowsMessage<Error>(HasSubstr("say the shape")));
}

TEST(ImportedModel, ReadsTheJsonBesideIt) {
  const TestFolder folder;
  const std::string path = folder / "net.json";
  std::ofstream(path) << "{\"predicts\": ";
  EXPECT_THAT([&] { read_declaration_beside(folder / "net.pt", {}); }, ThrowsMessage<Error>(HasSubstr("net.json")));
  std::remove(path.c_str());
  EXPECT_EQ(read_declaration_beside(folder / "net.pt", {}).predicts, "denoised");
}

}  // namespace
}  // namespace scorefield

// TorchScript files: what they compute, how they are called, and what else may lie in a file.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/learn/library.h"
#include "tests/paths.h"

namespace scorefield {
namespace {

using net::Batch;
using net::ScriptCall;
using net::Shape;

std::string model(const std::string& name) {
  return std::string(SCOREFIELD_SOURCE_DIR) + "/tests/models/" + name;  // made by make.py there
}

ScriptCall images() {
  ScriptCall call;
  call.input = call.output = Shape{1, 2, 2};
  return call;
}

ScriptCall points() {
  ScriptCall call;
  call.input = call.output = Shape{2, 1, 1};
  call.noise_label = false;
  call.flat = true;
  return call;
}

std::vector<float> evaluate(const std::string& file, const ScriptCall& call, std::size_t rows,
                            const std::vector<float>& x, const std::vector<float>& label,
                            const std::vector<std::int32_t>& classes = {}) {
  const auto network = network_library().load_script(model(file), call);
  std::vector<float> out(rows * call.output.size());
  network->evaluate({rows, x.data(), label.data(), classes.empty() ? nullptr : classes.data()}, out.data());
  return out;
}

const std::vector<float> kX = {1, 2, 3, 4, 5, 6, 7, 8};
const std::vector<float> kLabel = {0.5F, 2};
const std::vector<float> kScaled = {1.5F, 2, 2.5F, 3, 11, 13, 15, 17};  // x t + 1

TEST(Script, IsCalledWithRowsAndTheirLabels) {
  EXPECT_EQ(evaluate("scaled.pt", images(), 2, kX, kLabel), kScaled);
}

TEST(Script, TakesTheTensorOutOfATupleOrADictionary) {
  EXPECT_EQ(evaluate("pair.pt", images(), 2, kX, kLabel), kScaled);
  EXPECT_EQ(evaluate("named.pt", images(), 2, kX, kLabel), kScaled);
}

TEST(Script, GetsClassesAndTheNumberForNone) {
  ScriptCall call = images();
  call.class_label = true;
  call.no_class = 10;
  const std::vector<float> zeros(8);
  EXPECT_EQ(evaluate("classes.pt", call, 2, zeros, kLabel, {3, -1}), (std::vector<float>{3, 3, 3, 3, 10, 10, 10, 10}));
  EXPECT_EQ(evaluate("classes.pt", call, 2, zeros, kLabel), std::vector<float>(8, 10));
}

TEST(Script, RunsInDoublePrecisionWhereItsWeightsAre) {
  const auto single = evaluate("flat.pt", points(), 2, kX, {});
  const auto twice = evaluate("flat-double.pt", points(), 2, kX, {});
  // Two layers of at most 16 products of numbers of order 1; dropout would change values by their own size.
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(single[i], twice[i], 1e-6) << i;
}

TEST(Script, GivesTheSameBitsAtEveryCall) {
  const auto network = network_library().load_script(model("flat.pt"), points());
  std::vector<float> first(4);
  std::vector<float> later(4);
  network->evaluate({2, kX.data(), nullptr, nullptr}, first.data());
  for (int i = 0; i < 4; ++i) {
    network->evaluate({2, kX.data(), nullptr, nullptr}, later.data());
    EXPECT_EQ(first, later) << i;
    network->forward({2, kX.data(), nullptr, nullptr}, later.data());
    EXPECT_EQ(first, later) << i;
  }
}

TEST(Script, PullsGradientsBackToItsInput) {
  const auto network = network_library().load_script(model("flat-double.pt"), points());
  std::vector<float> x = {0.3F, -0.2F, 0.5F, 0.1F};
  const std::vector<float> cotangent = {1, -2, 0.5F, 3};
  std::vector<float> out(4);
  std::vector<float> gradient(4);
  network->forward({2, x.data(), nullptr, nullptr}, out.data());
  network->pull_back(cotangent.data(), nullptr, gradient.data());
  const float h = 0x1p-6F;
  for (std::size_t k = 0; k < 4; ++k) {
    double slope = 0;
    for (const float step : {h, -h}) {
      std::vector<float> moved = x;
      moved[k] += step;
      network->evaluate({2, moved.data(), nullptr, nullptr}, out.data());
      for (std::size_t i = 0; i < 4; ++i) slope += (step > 0 ? 1 : -1) * cotangent[i] * out[i] / (2.0 * h);
    }
    // f''' h^2/6 for tanh layers with weights below 0.7, and 1e-7 of rounding over h.
    EXPECT_NEAR(gradient[k], slope, 5e-4) << k;
  }

  // A network that does not see its input has a gradient of zero.
  const auto number = network_library().load_script(model("classes.pt"), [] {
    ScriptCall call = images();
    call.class_label = true;
    return call;
  }());
  const std::vector<float> zeros(2);
  std::vector<float> flat(8, 1);
  std::vector<float> ones(8, 1);
  std::vector<float> values(8);
  number->forward({2, kX.data(), zeros.data(), nullptr}, values.data());
  number->pull_back(ones.data(), nullptr, flat.data());
  EXPECT_EQ(flat, std::vector<float>(8));
}

/// The text of the Error that loading throws.
std::string fault(const std::string& path, const ScriptCall& call = images()) {
  try {
    (void)network_library().load_script(path, call);
  } catch (const Error& error) {
    return error.what();
  }
  return "no Error";
}

void expect_fault(const std::string& path, const ScriptCall& call, const std::string& part) {
  const std::string text = fault(path, call);
  EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.rfind(path, 0), 0U) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_LT(text.size(), path.size() + 400) << text;
}

TEST(Script, RefusesOtherFilesInOneLine) {
  expect_fault(model("missing.pt"), images(), "no such file");
  expect_fault(model("state-dict.pt"), images(), "holds weights (torch.save)");
  expect_fault(model("make.py"), images(), "not a TorchScript file");

  const TestFolder folder;
  const std::string path = folder / "broken.pt";
  const auto expect_bytes = [&](const std::string& bytes, const std::string& part) {
    std::ofstream(path, std::ios::binary) << bytes;
    expect_fault(path, images(), part);
  };
  expect_bytes("", "empty");
  expect_bytes(std::string("\x80\x02}q\0.", 6), "a Python pickle");
  expect_bytes(std::string("\x02\0\0\0\0\0\0\0{}", 10), "a safetensors file");
  std::ifstream file(model("scaled.pt"), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t size = 1; size < whole.size(); size += 97) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    const std::string text = fault(path);
    EXPECT_NE(text, "no Error") << size;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
  // Noise in the middle: an error or, where it hits nothing that matters, a network.
  const auto noise = [&](std::uint64_t seed) {
    RandomStream stream(seed, Purpose::kTest);
    std::vector<double> where(8);
    stream.normals(where);
    std::string bytes = whole;
    for (const double place : where) {
      const double share = 0.5 + std::atan(place) / 3.15;
      bytes[static_cast<std::size_t>(share * static_cast<double>(bytes.size() - 1))] ^= '\x55';
    }
    return bytes;
  };
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::ofstream(path, std::ios::binary) << noise(seed);
    const std::string text = fault(path);
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
  std::remove(path.c_str());
}

TEST(Script, RefusesACallThatTheProgramDoesNotTake) {
  expect_fault(model("flat.pt"), images(), "it is called as forward(Tensor x), and by its declaration as (x, time)");
  ScriptCall call = images();
  call.noise_label = false;
  expect_fault(model("scaled.pt"), call, "it is called as forward(Tensor x, Tensor t), and by its declaration as (x)");
  call = images();
  call.class_label = true;
  expect_fault(model("scaled.pt"), call, "by its declaration as (x, time, class)");
  ScriptCall wide = points();
  wide.input = wide.output = Shape{3, 1, 1};
  expect_fault(model("flat.pt"), wide, "called with x of shape [2, 3] it fails: mat1 and mat2 shapes");
  expect_fault(model("silent.pt"), images(), "it fails: it does not say why");
  expect_fault(model("cropped.pt"), images(), "for x of shape [2, 1, 2, 2] it gives [2, 1, 1, 2], not [2, 1, 2, 2]");
  expect_fault(model("number.pt"), images(), "it returns float, which is neither");
}

}  // namespace
}  // namespace scorefield

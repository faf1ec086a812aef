// The file of an autoencoder, and rows to latents and back.
#include "scorefield/learn/autoencoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/data/open.h"
#include "scorefield/learn/autoencoder_task.h"
#include "scorefield/learn/hierarchy.h"
#include "scorefield/learn/latents.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

Dataset pictures(std::size_t rows) {
  std::vector<std::uint8_t> values(rows * 64);
  std::vector<std::int32_t> labels(rows);
  const RandomStream stream(1, Purpose::kTest);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(stream.below(i, 256));
  for (std::size_t i = 0; i < rows; ++i) labels[i] = static_cast<std::int32_t>(i % 3);
  return make_dataset<std::uint8_t>("pictures", std::move(values), {1, 8, 8}, kImageUnits, std::move(labels));
}

class AutoencoderFile : public testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  }

  static Autoencoder made(const Dataset& data, const std::vector<std::size_t>& latents) {
    net::Architecture likeness;
    likeness.kind = data.is_image() ? "encoder" : "mlp";
    likeness.width = 8;
    likeness.multipliers = {1, 2};
    likeness.blocks = 1;
    likeness.groups = 4;
    const std::vector<LevelArchitecture> levels = hierarchy(likeness, data.shape(), latents);
    const Weights weights(autoencoder_tensors(levels), 5);
    Autoencoder model = autoencoder_of(levels, weights, weights.values(), autoencoder_units(data, {}));
    model.data = form_of(data);
    model.levels[0].log_variance = -1.25;
    standardise_latents(model, data, {});
    return model;
  }

  TestFolder folder_;
};

std::string fault_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& fault) {
    return fault.what();
  }
  return "";
}

TEST_F(AutoencoderFile, ComesBackAndAnswersWithTheSameBits) {
  const Dataset data = pictures(20);
  const Autoencoder model = made(data, {6, 2});
  write_autoencoder(folder_ / "vae.safetensors", model);
  const Autoencoder back = read_autoencoder(folder_ / "vae.safetensors", {});
  EXPECT_EQ(back.levels.size(), 2U);
  EXPECT_EQ(back.law().log_variance, model.law().log_variance);
  EXPECT_EQ(back.law().rounding_width, 1 / 127.5 / model.units.scale);
  EXPECT_EQ(back.latent_mean, model.latent_mean);
  const Dataset a = latents_of(data, model, "d", {});
  const Dataset b = latents_of(data, back, "d", {});
  EXPECT_EQ(a.digest(), b.digest());
  EXPECT_EQ(a.shape(), (std::vector<std::size_t>{6}));
}

TEST_F(AutoencoderFile, LatentsAreStandardisedAndOpenAsADataSet) {
  const Dataset data = pictures(200);
  const Autoencoder model = made(data, {4});
  const Dataset latents = latents_of(data, model, std::string(64, 'a'), {});
  for (std::size_t k = 0; k < 4; ++k) {
    double mean = 0;
    double square = 0;
    std::vector<double> row(4);
    for (std::size_t i = 0; i < 200; ++i) {
      latents.row(i, row);
      mean += row[k] / 200;
      square += row[k] * row[k] / 200;
    }
    EXPECT_NEAR(mean, 0, 1e-5);  // float32 of values below 4
    EXPECT_NEAR(square, 1, 1e-5);
  }
  write_latents(folder_ / "latents.npz", latents, model, std::string(64, 'a'));
  const Dataset opened = open_dataset((folder_ / "latents.npz").string(), {}, {});
  EXPECT_EQ(opened.digest(), latents.digest());
  EXPECT_EQ(std::vector(opened.labels().begin(), opened.labels().end()),
            std::vector(data.labels().begin(), data.labels().end()));
  EXPECT_THAT(opened.notes(), testing::Contains("latents of the autoencoder " + std::string(64, 'a')));
}

TEST_F(AutoencoderFile, DecodingIsTheDecoderInDataUnits) {
  const Dataset data = pictures(9);
  const Autoencoder model = made(data, {4});
  const Dataset decoded = decode_latents(latents_of(data, model, "", {}), model, {});
  ASSERT_TRUE(decoded.is_eight_bit());
  EXPECT_EQ(decoded.shape(), data.shape());
  const AutoencoderNetworks networks(model);
  const Rows x = networks.decode(networks.encode(networks.read(data, 0, 9), {}), {});
  std::vector<double> row(64);
  for (std::size_t i = 0; i < 9; ++i) {
    decoded.row(i, row);
    for (std::size_t k = 0; k < 64; ++k) {
      // Half a step of rounding, and float32 on the way through the file of latents.
      EXPECT_NEAR(row[k], std::clamp(x(i, k), -1.0, 1.0), 0.5 / 127.5 + 1e-4);
    }
  }
}

TEST_F(AutoencoderFile, RefusesOtherModelsRowsAndLatents) {
  const Dataset data = pictures(20);
  const Autoencoder model = made(data, {4});
  const std::filesystem::path path = folder_ / "other.safetensors";
  write_model(path, {"denoiser", {}, {}, {}});
  EXPECT_THAT(fault_of([&] { (void)read_autoencoder(path, {}); }), HasSubstr("kind 'denoiser', not an autoencoder"));

  Autoencoder spoilt = model;
  spoilt.latent_deviation.pop_back();
  write_autoencoder(path, spoilt);
  EXPECT_THAT(fault_of([&] { (void)read_autoencoder(path, {}); }), HasSubstr("standardisation"));
  spoilt = model;
  spoilt.data.shape = {1, 8, 9};
  write_autoencoder(path, spoilt);
  EXPECT_THAT(fault_of([&] { (void)read_autoencoder(path, {}); }), HasSubstr("sizes"));

  const Dataset points = make_dataset<float>("points", {1, 2, 3, 4}, {2});
  EXPECT_THAT(fault_of([&] { (void)latents_of(points, model, "", {}); }), HasSubstr("rows of shape [2]"));
  EXPECT_THAT(fault_of([&] { (void)latents_of(data.with_affine({1, 0}), model, "", {}); }), HasSubstr("other units"));
  EXPECT_THAT(fault_of([&] { (void)decode_latents(points, model, {}); }), HasSubstr("rows of 2 values"));
}

TEST_F(AutoencoderFile, VectorsTakeMultilayerPerceptrons) {
  const Dataset points = make_dataset<float>("points", {1, 2, 3, 4, 5, 9}, {2});
  const Autoencoder model = made(points, {3, 1});
  EXPECT_EQ(model.levels[0].encoder.architecture.kind, "mlp");
  EXPECT_EQ(model.units.rounding_width, 0);
  const Dataset decoded = decode_latents(latents_of(points, model, "", {}), model, {});
  EXPECT_FALSE(decoded.is_eight_bit());
  EXPECT_EQ(decoded.shape(), points.shape());
}

TEST_F(AutoencoderFile, GradientOfConvolutionsAgreesWithDifferences) {
  const Dataset data = pictures(24);
  net::Architecture likeness;
  likeness.kind = "encoder";
  likeness.width = 4;
  likeness.multipliers = {1, 2};
  likeness.blocks = 1;
  likeness.groups = 2;
  const std::vector<std::size_t> latents = {4, 2};
  const std::vector<LevelArchitecture> levels = hierarchy(likeness, data.shape(), latents);
  Weights weights(autoencoder_tensors(levels), 5);
  AutoencoderTask task(BatchLoader(data, {.seed = 1, .batch = 8}), {}, autoencoder_units(data, {}), latents, 0.5, 8,
                       weights, worker_networks(levels, weights, net::Arithmetic::kFloat32, 1));
  std::vector<double> drawn(weights.size());
  RandomStream(3, Purpose::kTest).normals(drawn);
  for (std::size_t k = 0; k < drawn.size(); ++k) weights.values()[k] += static_cast<float>(0.05 * drawn[k]);
  std::vector<float> gradient(weights.size());
  (void)task.add_gradient(0, 0, 0, gradient);
  const std::vector<float> at(weights.values().begin(), weights.values().end());
  std::vector<double> direction(weights.size());
  // One tensor after the other: each is a network's way of its own.
  for (const net::Tensor& tensor : weights.tensors()) {
    double expected = 0;
    RandomStream(4, Purpose::kTest).normals(std::span(direction).first(tensor.size));
    for (std::size_t k = 0; k < tensor.size; ++k) {
      expected += direction[k] * static_cast<double>(gradient[tensor.offset + k]);
    }
    const double step = 2e-3;
    const auto moved = [&](double by) {
      std::ranges::copy(at, weights.values().begin());
      for (std::size_t k = 0; k < tensor.size; ++k) {
        weights.values()[tensor.offset + k] += static_cast<float>(by * direction[k]);
      }
      std::vector<float> none(weights.size());
      return task.add_gradient(0, 0, 0, none).mean();
    };
    // float32 sums of a loss of about 10 bits to 1e-6, over the step; third derivatives times step^2.
    EXPECT_NEAR((moved(step) - moved(-step)) / (2 * step), expected, 3e-3 + 1e-2 * std::abs(expected)) << tensor.name;
  }
}

TEST(Hierarchy, RefusesLevelsWithoutLatentsAndConvolutionsOfVectors) {
  net::Architecture likeness;
  EXPECT_THROW(hierarchy(likeness, {2}, {}), Error);
  EXPECT_THROW(hierarchy(likeness, {2}, {2, 0}), Error);
  likeness.kind = "encoder";
  EXPECT_THROW(hierarchy(likeness, {2}, {2}), Error);
}

}  // namespace
}  // namespace scorefield

#include "scorefield/learn/denoiser.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/learn/library.h"
#include "scorefield/learn/safetensors.h"

namespace scorefield {
namespace {

class DenoiserFile : public testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  }

  static Denoiser made() {
    const Dataset data = make_dataset<float>("points", {1, 2, 3, 4, 5, 9}, {2}, {}, {0, 1, 1}, {"a", "b"});
    Denoiser denoiser;
    const CentredLaw law = centred_law(data, {});
    denoiser.target = {"edm", "edm", law.sigma_data};
    denoiser.centre = law.centre;
    denoiser.law = law.law;
    denoiser.data = form_of(data);
    denoiser.architecture.input = denoiser.architecture.output = {2, 1, 1};
    denoiser.architecture.classes = 2;
    denoiser.architecture.width = 8;
    const auto layout = network_library().layout(denoiser.architecture);
    std::vector<double> drawn(layout.back().offset + layout.back().size);
    RandomStream(1, Purpose::kTest).normals(drawn);
    denoiser.weights.assign(drawn.begin(), drawn.end());
    denoiser.training = {{"steps", 17}};
    return denoiser;
  }

  /// The written file with its metadata text or one tensor changed.
  std::filesystem::path changed(const std::function<void(std::vector<TensorBytes>&, TensorMetadata&)>& change) {
    const std::filesystem::path path = folder_ / "sound.safetensors";
    write_denoiser(path, made());
    const SafetensorsFile file = open_safetensors(path, {});
    std::vector<Array> arrays;
    std::vector<TensorBytes> tensors;
    for (const std::string& key : file.keys()) {
      arrays.push_back(file.read(key, {}));
      tensors.push_back({key, arrays.back().type, arrays.back().shape, arrays.back().bytes});
    }
    TensorMetadata metadata = file.metadata();
    change(tensors, metadata);
    write_safetensors(folder_ / "changed.safetensors", tensors, metadata);
    return folder_ / "changed.safetensors";
  }

  std::string fault_of(const std::filesystem::path& path) {
    try {
      (void)read_denoiser(path, {});
    } catch (const Error& fault) {
      return fault.what();
    }
    return "";
  }

  TestFolder folder_;
};

TEST_F(DenoiserFile, ComesBackAndAnswersWithTheSameBits) {
  const Denoiser denoiser = made();
  write_denoiser(folder_ / "model.safetensors", denoiser);
  const Denoiser back = read_denoiser(folder_ / "model.safetensors", {});
  EXPECT_EQ(back.weights, denoiser.weights);
  EXPECT_EQ(back.centre, denoiser.centre);
  EXPECT_EQ(back.target.sigma_data, denoiser.target.sigma_data);
  EXPECT_EQ(back.data.label_names, denoiser.data.label_names);
  EXPECT_EQ(back.training, denoiser.training);
  Rows x(3, 2);
  RandomStream(2, Purpose::kTest).normals(x.values());
  const std::vector<int> labels = {0, 1, -1};
  const Answer before = make_field(denoiser)->ask(x.view(), std::vector{0.7}, labels, {}, {});
  const Answer after = make_field(back)->ask(x.view(), std::vector{0.7}, labels, {}, {});
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(before.denoised(i, 1), after.denoised(i, 1));
}

TEST_F(DenoiserFile, OneThatNeverWentWithoutAClassIsNotAskedWithout) {
  Denoiser denoiser = made();
  denoiser.takes_no_class = false;
  write_denoiser(folder_ / "model.safetensors", denoiser);
  const auto field = make_field(read_denoiser(folder_ / "model.safetensors", {}));
  const Rows x(2, 2);
  EXPECT_NO_THROW((void)field->ask(x.view(), std::vector{0.7}, std::vector{0, 1}, {}, {}));
  EXPECT_THROW((void)field->ask(x.view(), std::vector{0.7}, std::vector{0, -1}, {}, {}), Error);
  EXPECT_THROW((void)field->ask(x.view(), std::vector{0.7}, {}, {}, {}), Error);
}

TEST_F(DenoiserFile, ChangedFilesAreNamedErrors) {
  const auto with_config = [&](const std::function<void(nlohmann::json&)>& change) {
    return fault_of(changed([&](auto&, TensorMetadata& metadata) {
      auto config = nlohmann::json::parse(metadata.at("scorefield"));
      change(config);
      metadata["scorefield"] = config.dump();
    }));
  };
  EXPECT_EQ(with_config([](auto&) {}), "");
  EXPECT_NE(with_config([](auto& c) { c["networks"]["denoiser"]["width"] = 9; }).find("its architecture has"),
            std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["networks"]["denoiser"]["kind"] = "rnn"; }).find("rnn"), std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["networks"]["denoiser"]["extra"] = 9; }).find("extra"), std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["networks"]["denoiser"].erase("heads"); }).find("heads"), std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["version"] = 99; }).find("format 99"), std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["kind"] = "classifier"; }).find("not a denoiser"), std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["config"]["data"]["shape"] = {3}; }).find("different sizes"),
            std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["config"].erase("sigma_data"); }).find("sigma_data"), std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["networks"] = 3; }), "");
  // A copy of such a value takes more than a thread's stack.
  EXPECT_NE(fault_of(changed([](auto&, TensorMetadata& m) {
              const std::size_t deep = 1'000'000;
              m["scorefield"] = "{\"config\":" + std::string(deep, '[') + std::string(deep, ']') + "}";
            })).find("more than 64 deep"),
            std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["networks"]["denoiser"]["width"] = 1U << 31; }), "");
  EXPECT_NE(fault_of(changed([](auto&, TensorMetadata& m) { m.erase("scorefield"); })).find("no model of scorefield"),
            std::string::npos);
  EXPECT_NE(fault_of(changed([](auto&, TensorMetadata& m) { m["scorefield"] = "{"; })).find("not JSON"),
            std::string::npos);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> bad(8, nan);
  EXPECT_NE(fault_of(changed([&](std::vector<TensorBytes>& tensors, auto&) {
              for (TensorBytes& t : tensors) {
                if (t.name == "denoiser.layer.1.bias") t.bytes = std::as_bytes(std::span(bad));
              }
            })).find("not finite"),
            std::string::npos);
  const std::vector<double> bad_mean(2, std::numeric_limits<double>::infinity());
  EXPECT_NE(fault_of(changed([&](std::vector<TensorBytes>& tensors, auto&) {
              for (TensorBytes& t : tensors) {
                if (t.name == "data.mean") t.bytes = std::as_bytes(std::span(bad_mean));
              }
            })).find("data.mean holds values that are not finite"),
            std::string::npos);
  EXPECT_NE(with_config([](auto& c) { c["config"]["variance"] = -1; }).find("below 0"), std::string::npos);
  EXPECT_NE(fault_of(changed([](std::vector<TensorBytes>& tensors, auto&) {
              std::erase_if(tensors, [](const TensorBytes& t) { return t.name == "denoiser.layer.1.bias"; });
            })).find("layer.1.bias"),
            std::string::npos);
}

TEST_F(DenoiserFile, TheCentreIsOfChannelsAndTheDeviationAboutIt) {
  // Two images of two channels and one pixel row: channel means 2 and 10.
  const Dataset data = make_dataset<float>("images", {1, 3, 9, 11, 1, 3, 9, 11}, {2, 1, 2});
  const CentredLaw law = centred_law(data, {});
  EXPECT_EQ(law.centre, (std::vector<double>{2, 10}));
  EXPECT_EQ(law.sigma_data, 1);  // every value is 1 off its channel's mean
  EXPECT_EQ(law.law.variance, 0);
  EXPECT_EQ(spread_centre(law.centre, form_of(data)), (std::vector<double>{2, 2, 10, 10}));
}

}  // namespace
}  // namespace scorefield

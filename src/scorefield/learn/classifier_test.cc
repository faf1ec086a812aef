#include "scorefield/learn/classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/learn/denoiser.h"
#include "scorefield/learn/library.h"
#include "scorefield/learn/model_file.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

/// Three images of 4 x 4 with two classes.
Dataset images() {
  std::vector<std::uint8_t> pixels(48);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(37 * i % 251);
  return make_dataset<std::uint8_t>("tiny", pixels, {1, 4, 4}, {1 / 127.5, -1}, {0, 1, 1}, {"off", "on"});
}

Dataset points(std::vector<std::int32_t> labels) {
  return make_dataset<float>("points", {1, 2, 3, 4, 5, 9}, {2}, {}, std::move(labels));
}

class ClassifierFile : public testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  }

  static Classifier made(bool noisy) {
    const Dataset data = images();
    Classifier classifier;
    const CentredLaw law = centred_law(data, {});
    classifier.noisy = noisy;
    classifier.centre = law.centre;
    classifier.sigma_data = law.sigma_data;
    classifier.data = form_of(data);
    net::Architecture chosen;
    chosen.kind = "classifier";
    chosen.width = 4;
    chosen.multipliers = {1, 2};
    chosen.blocks = 1;
    chosen.groups = 2;
    classifier.architecture = classifier_architecture(chosen, classifier.data, noisy);
    const auto layout = network_library().layout(classifier.architecture);
    std::vector<double> drawn(layout.back().offset + layout.back().size);
    RandomStream(1, Purpose::kTest).normals(drawn);
    classifier.weights.assign(drawn.begin(), drawn.end());
    classifier.training = {{"steps", 17}};
    return classifier;
  }

  /// What reading says of the written file with its parts changed.
  std::string fault(const std::function<void(ModelFile&)>& change) {
    write_classifier(path_of("sound"), made(false));
    ModelFile file = read_model(path_of("sound"), {});
    change(file);
    write_model(path_of("changed"), file);
    try {
      (void)read_classifier(path_of("changed"), {});
    } catch (const Error& what) {
      return what.what();
    }
    return "";
  }

  std::filesystem::path path_of(const std::string& name) const { return folder_ / (name + ".safetensors"); }

  TestFolder folder_;
};

TEST_F(ClassifierFile, ComesBackAndAnswersWithTheSameBits) {
  const Classifier classifier = made(false);
  EXPECT_EQ(classifier.architecture.output.size(), 2U + 8U);
  write_classifier(path_of("model"), classifier);
  const Classifier back = read_classifier(path_of("model"), {});
  EXPECT_EQ(back.weights, classifier.weights);
  EXPECT_EQ(back.centre, classifier.centre);
  EXPECT_EQ(back.sigma_data, classifier.sigma_data);
  EXPECT_EQ(back.data.label_names, classifier.data.label_names);
  EXPECT_EQ(back.training, classifier.training);
  EXPECT_FALSE(back.noisy);
  Rows x(3, 16);
  RandomStream(2, Purpose::kTest).normals(x.values());
  const ClassifierAnswer before = make_network_classifier(classifier)->ask_clean(x.view(), {});
  const ClassifierAnswer after = make_network_classifier(back)->ask_clean(x.view(), {});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(before.log_probability(i, 1), after.log_probability(i, 1));
    EXPECT_EQ(before.features(i, 7), after.features(i, 7));
    EXPECT_NEAR(std::exp(after.log_probability(i, 0)) + std::exp(after.log_probability(i, 1)), 1, 1e-14);
  }
}

TEST_F(ClassifierFile, OfAnotherKindOrThatDoesNotHoldTogetherIsRefused) {
  EXPECT_EQ(fault([](ModelFile&) {}), "");
  EXPECT_THAT(fault([](ModelFile& file) { file.kind = "denoiser"; }), HasSubstr("kind 'denoiser', not a classifier"));
  EXPECT_THAT(fault([](ModelFile& file) { file.config.erase("centre"); }), HasSubstr("do not describe a classifier"));
  EXPECT_THAT(fault([](ModelFile& file) { file.config["noisy"] = true; }), HasSubstr("do not fit together"));
  EXPECT_THAT(fault([](ModelFile& file) { file.config["centre"] = {0.1, 0.2}; }), HasSubstr("do not fit together"));
  EXPECT_THAT(fault([](ModelFile& file) { file.config["sigma_data"] = 0; }), HasSubstr("sigma_data"));
  EXPECT_THAT(fault([](ModelFile& file) { file.config["data"]["classes"] = 3; }), HasSubstr("do not fit together"));
  EXPECT_THAT(fault([](ModelFile& file) {
                file.config["data"]["shape"] = {1, 4, 8};
              }),
              HasSubstr("do not fit together"));
}

TEST_F(ClassifierFile, AccuracyCountsTheRowsWhoseClassIsTheMostProbable) {
  Classifier classifier = made(false);
  const Dataset data = images();
  Rows x(3, 16);
  for (std::size_t i = 0; i < 3; ++i) data.row(i, x[i]);
  const Rows log_p = make_network_classifier(classifier)->ask_clean(x.view(), {}).log_probability;
  double right = 0;
  for (std::size_t i = 0; i < 3; ++i) right += (log_p(i, 1) > log_p(i, 0)) == (data.labels()[i] == 1) ? 1 : 0;
  EXPECT_EQ(accuracy(classifier, data, 0, 0, {}), right / 3);
  EXPECT_THROW((void)accuracy(classifier, data, 1, 0, {}), Error);
  EXPECT_THROW((void)accuracy(made(true), data, 0, 0, {}), Error);
  EXPECT_GE(accuracy(made(true), data, 1, 0, {}), 0);
  EXPECT_THROW((void)accuracy(classifier, points({0, 1, 1}), 0, 0, {}), Error);
  const auto relabelled = [&](std::vector<std::int32_t> labels) {
    return make_dataset<std::uint8_t>("tiny", std::vector<std::uint8_t>(48), {1, 4, 4}, {}, std::move(labels));
  };
  EXPECT_THROW((void)accuracy(classifier, relabelled({}), 0, 0, {}), Error);
  EXPECT_THROW((void)accuracy(classifier, relabelled({0, 1, 2}), 0, 0, {}), Error);
}

TEST(ClassifierArchitecture, FitsTheDataOrSaysWhyItCannot) {
  net::Architecture mlp;
  const net::Architecture fitted = classifier_architecture(mlp, form_of(points({0, 1, 3})), true);
  EXPECT_EQ(fitted.input.size(), 2U);
  EXPECT_EQ(fitted.output.size(), 4U);
  EXPECT_TRUE(fitted.noise_label);
  EXPECT_THROW((void)classifier_architecture(mlp, form_of(points({})), true), Error);
  EXPECT_THROW((void)classifier_architecture(mlp, form_of(points({0, 0, 0})), true), Error);
  net::Architecture other;
  other.kind = "unet";
  EXPECT_THROW((void)classifier_architecture(other, form_of(images()), true), Error);
  other.kind = "classifier";
  EXPECT_THROW((void)classifier_architecture(other, form_of(points({0, 1, 3})), true), Error);
}

}  // namespace
}  // namespace scorefield

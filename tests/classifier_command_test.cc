// Classifiers, as a user trains them, guides by them, and compares samples in their features.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scorefield/data/named.h"
#include "scorefield/data/npz.h"
#include "scorefield/data/synthetic.h"
#include "scorefield/learn/library.h"
#include "tests/command.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

constexpr const char* kTrain =
    "train --data ring:n=2000 --arch classifier --noisy --steps 300 --width 48 --layers 2 --batch 128 --threads 1 ";

class ClassifierCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  }
  CommandResult run(const std::string& arguments) const { return run_command(arguments, folder_); }
  void expect_refused(const std::string& arguments, const char* why) const {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr(why)) << arguments;
  }

  TestFolder folder_;
};

TEST_F(ClassifierCommand, TrainedOnARingItGuidesToTheModeThatIsAskedFor) {
  const CommandResult trained = run(kTrain + std::string("--held-out ring:n=500,seed=1 --out a --json"));
  ASSERT_EQ(trained.status, 0) << trained.err;
  // Eight modes at noise of the ring's own deviation: chance is 0.125, and the most that the posterior itself gets is
  // below 1.
  const double accuracy = nlohmann::json::parse(trained.out)["held_out_accuracy"];
  EXPECT_GT(accuracy, 0.2);
  EXPECT_LT(accuracy, 0.9);

  const CommandResult sampled =
      run("sample --data ring:n=2000 --class 3 --guidance 2 --classifier a/model.safetensors --seeds 0-63 --steps 18 "
          "--out s");
  ASSERT_EQ(sampled.status, 0) << sampled.err;
  const Array samples = open_npz(folder_ / "s/samples.npz").read("arr_0", {});
  const SyntheticTruth truth = make_synthetic("ring:n=8", {}).truth;
  int right = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    const double x = samples.values<float>()[2 * i];
    const double y = samples.values<float>()[2 * i + 1];
    std::size_t nearest = 0;
    const auto distance = [&](std::size_t k) { return std::hypot(x - truth.means(k, 0), y - truth.means(k, 1)); };
    for (std::size_t k = 1; k < 8; ++k) nearest = distance(k) < distance(nearest) ? k : nearest;
    right += truth.labels[nearest] == 3 ? 1 : 0;
  }
  EXPECT_GE(right, 56) << "of 64";
  EXPECT_THAT(file_text(folder_ / "s/config.json"), HasSubstr("classifier_digest"));
}

TEST_F(ClassifierCommand, StoppedAndResumedItIsTheSame) {
  const std::string shorter = std::string(kTrain) + "--steps 20 --checkpoint-every 10 ";
  ASSERT_EQ(run(shorter + "--out whole").status, 0);
  // Killed between two checkpoints: what the last of them does not have is made again.
  const CommandResult killed =
      run_shell("\"$SCOREFIELD\" " + shorter +
                    "--out cut & P=$!; while [ ! -e cut/checkpoint.safetensors ]; do sleep 0.01; done; "
                    "kill -9 $P 2>/dev/null; wait $P; \"$SCOREFIELD\" train --resume cut",
                folder_);
  ASSERT_EQ(killed.status, 0) << killed.err;
  const auto weights = [&](const char* name) { return file_text(folder_ / name / "model.safetensors"); };
  EXPECT_EQ(weights("whole"), weights("cut"));
}

TEST_F(ClassifierCommand, RefusesWhatDoesNotGoTogether) {
  const std::string brief = "--steps 2 --batch 16 --width 8 ";
  expect_refused("train --data swirl --arch classifier " + brief, "no labels");
  expect_refused("train --data ring --arch classifier --predicts v " + brief, "are for denoisers");
  expect_refused("train --data ring --arch classifier --conditional " + brief, "not told the class");
  expect_refused("train --data ring --arch classifier --noise-law uniform " + brief, "--noisy only");
  expect_refused("train --data ring --noisy " + brief, "--noisy is for --arch classifier");
  ASSERT_EQ(run("train --data ring:n=200 --arch classifier --out clean " + brief).status, 0);
  ASSERT_EQ(run("train --data ring:n=200 --arch classifier --noisy --out noisy " + brief).status, 0);
  ASSERT_EQ(run("train --data ring:n=200 --out denoiser " + brief).status, 0);
  const auto guided = [](const std::string& data, const std::string& by) {
    return "sample --data " + data + " --class 0 --guidance 2 --seeds 0 --out s --classifier " + by;
  };
  expect_refused(guided("ring:n=200", "clean/model.safetensors"), "clean rows");
  expect_refused(guided("ring:n=200", "denoiser/model.safetensors"), "not a classifier");
  expect_refused(guided("mixture:d=3,rank=1", "noisy/model.safetensors"), "made for rows of shape [2]");
  expect_refused(guided("ring:modes=9", "noisy/model.safetensors"), "are others");
  expect_refused(guided("ring:n=200", "none.safetensors"), "none.safetensors");
  const auto compared = [](const std::string& by) {
    return "metrics --data ring:n=200 --samples ring:n=200,seed=1 --features " + by;
  };
  expect_refused(compared("clean/model.safetensors"), "no features");
  expect_refused(compared("noisy/model.safetensors"), "noisy rows");
  expect_refused(compared("classifier"), "made for rows of shape [1, 28, 28]");
}

TEST_F(ClassifierCommand, OfFashionMnistComesWithScorefield) {
  if (!missing_files("fashion-mnist").empty()) GTEST_SKIP() << missing_files("fashion-mnist");
  const CommandResult result = run("metrics --data fashion-mnist --samples fashion-mnist:test --count 600 --json");
  ASSERT_EQ(result.status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["features"], "classifier");
  EXPECT_EQ(json["dimension"], 64);
  EXPECT_THAT(result.out, HasSubstr("inception_score"));
}

}  // namespace
}  // namespace scorefield

#include "scorefield/learn/training_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/learn/autoencoder_training.h"
#include "scorefield/learn/library.h"
#include "scorefield/run/json_lines.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

Dataset few_points() {
  std::vector<float> values;
  std::vector<double> drawn(200);
  RandomStream(3, Purpose::kTest).normals(drawn);
  for (const double value : drawn) values.push_back(static_cast<float>(value));
  return make_dataset("points", values, {2});
}

/// Asks to stop when training reports this step for the first time.
class StopAt final : public ProgressSink {
 public:
  explicit StopAt(double step) : step_(step) {}
  void update(std::string_view what, double done, double /*total*/) override {
    if (what == "training" && done == step_) cancelled = true;
  }
  std::atomic<bool> cancelled{false};

 private:
  double step_;
};

class TrainingRunTest : public testing::Test {
 protected:
  TestFolder folder_;
  Dataset data_ = few_points();
  void SetUp() override {
    if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  }

  TrainingRun run() const {
    TrainingRun made{data_, nullptr, {}, 2, 5, 0, {{"options", {{"seed", 1}}}}};
    made.settings.architecture.width = 8;
    made.settings.architecture.layers = 1;
    made.settings.architecture = fit_architecture(made.settings.architecture, data_, false);
    made.settings.loader.batch = 24;
    made.settings.micro_batch = 8;
    made.settings.held_out_rows = 16;
    made.settings.trainer.rate.steps = 13;
    return made;
  }
  std::string contents(const fs::path& file) const { return read_text(file, {}); }
  /// The records without what depends on the clock.
  std::vector<nlohmann::json> records(const fs::path& folder) const {
    std::vector<nlohmann::json> lines = read_json_lines(folder / "stats.jsonl", {});
    for (nlohmann::json& line : lines) {
      line.erase("seconds");
      line.erase("rows_per_second");
    }
    return lines;
  }
  TrainingReport train(const TrainingRun& run, const fs::path& path, const Context& context = {}) const {
    RunFolder folder = RunFolder::take(path);
    folder.begin(run.config);
    return run_training(run, folder, context);
  }
};

TEST_F(TrainingRunTest, StoppedAnywhereItGoesOnToTheSameBits) {
  const TrainingReport whole = train(run(), folder_ / "whole");
  EXPECT_TRUE(whole.complete);
  EXPECT_EQ(whole.steps, 13u);
  const std::vector<nlohmann::json> expected = records(folder_ / "whole");
  std::vector<std::uint64_t> steps;
  for (const nlohmann::json& line : expected) steps.push_back(line["step"]);
  EXPECT_EQ(steps, (std::vector<std::uint64_t>{2, 4, 5, 6, 8, 10, 12, 13}));
  EXPECT_TRUE(expected[2].contains("fixed_loss"));
  EXPECT_FALSE(expected[1].contains("fixed_loss"));

  ThreadPool pool(2);
  for (const double stop : {0.0, 1.0, 4.0, 5.0, 9.0, 12.0}) {
    const fs::path path = folder_ / ("stopped-" + std::to_string(static_cast<int>(stop)));
    StopAt sink(stop);
    Context context;
    context.progress = &sink;
    context.cancelled = &sink.cancelled;
    const TrainingReport stopped = train(run(), path, context);
    EXPECT_FALSE(stopped.complete);
    EXPECT_EQ(stopped.steps, static_cast<std::uint64_t>(stop));
    Context rest;
    rest.pool = &pool;
    const TrainingReport resumed = train(run(), path, rest);
    EXPECT_TRUE(resumed.complete);
    EXPECT_EQ(resumed.resumed_from, static_cast<std::uint64_t>(stop));
    EXPECT_EQ(records(path), expected) << stop;
    EXPECT_EQ(contents(path / "model.safetensors"), contents(folder_ / "whole/model.safetensors")) << stop;
  }
}

TEST_F(TrainingRunTest, AStoppedAutoencoderHasItsModelToo) {
  TrainingRun other = run();
  other.settings.latents = {1};
  other.settings.architecture.noise_label = false;
  other.make = [](const TrainingRun& of, const Context& context) {
    return std::make_unique<AutoencoderTraining>(of.settings, of.data, of.held_out, context);
  };
  StopAt sink(3);
  Context context;
  context.progress = &sink;
  context.cancelled = &sink.cancelled;
  const TrainingReport stopped = train(other, folder_ / "stopped", context);
  EXPECT_FALSE(stopped.complete);
  EXPECT_EQ(read_autoencoder(folder_ / "stopped/model.safetensors", {}).training["steps_done"], 3);
  train(other, folder_ / "stopped");
  train(other, folder_ / "whole");
  EXPECT_EQ(contents(folder_ / "stopped/model.safetensors"), contents(folder_ / "whole/model.safetensors"));
}

TEST_F(TrainingRunTest, RecordsAfterTheCheckpointAreCutOff) {
  // As after kill -9: the checkpoint of step 5, records up to 12 and half of one more.
  StopAt sink(5);
  Context context;
  context.progress = &sink;
  context.cancelled = &sink.cancelled;
  train(run(), folder_ / "killed", context);
  const std::string checkpoint = contents(folder_ / "killed/checkpoint.safetensors");
  train(run(), folder_ / "killed");
  const std::vector<nlohmann::json> expected = records(folder_ / "killed");
  const std::string model = contents(folder_ / "killed/model.safetensors");
  write_file_atomically(folder_ / "killed/checkpoint.safetensors", checkpoint);
  write_file_atomically(folder_ / "killed/stats.jsonl", contents(folder_ / "killed/stats.jsonl") + "{\"step\": 1");
  const TrainingReport report = train(run(), folder_ / "killed");
  EXPECT_EQ(report.resumed_from, 5u);
  EXPECT_EQ(records(folder_ / "killed"), expected);
  EXPECT_EQ(contents(folder_ / "killed/model.safetensors"), model);
}

TEST_F(TrainingRunTest, ModelIsTheAveragedNetworkWithItsConfig) {
  train(run(), folder_ / "run");
  const Denoiser denoiser = read_denoiser(folder_ / "run/model.safetensors", {});
  EXPECT_EQ(denoiser.training["options"]["seed"], 1);
  EXPECT_EQ(denoiser.training["steps_done"], 13);
  EXPECT_EQ(denoiser.data.shape, (std::vector<std::size_t>{2}));
  EXPECT_EQ(make_field(denoiser)->dimension(), 2u);
  const SafetensorsFile state = open_safetensors(folder_ / "run/checkpoint.safetensors", {});
  EXPECT_EQ(state.read("step", {}).values<std::int64_t>()[0], 13);
  std::size_t first = 0;
  for (const net::Tensor& tensor : network_library().layout(denoiser.architecture)) {
    const Array average = state.read("average." + tensor.name, {});
    EXPECT_TRUE(std::ranges::equal(average.values<float>(), std::span(denoiser.weights).subspan(first, tensor.size)));
    first += tensor.size;
  }
  EXPECT_TRUE(fs::exists(folder_ / "run/loss.png"));
  EXPECT_TRUE(fs::exists(folder_ / "run/grids/00000013.png"));
}

TEST_F(TrainingRunTest, ALossThatIsNotFiniteKeepsTheLastGoodCheckpoint) {
  TrainingRun wild = run();
  wild.settings.trainer.rate.rate = 1e30;
  wild.settings.trainer.clip = std::numeric_limits<double>::infinity();
  wild.checkpoint_every = 1;
  wild.settings.held_out_rows = 0;
  wild.grid_every = 100;
  try {
    train(wild, folder_ / "wild");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("is not finite at step"), testing::HasSubstr("sigma from"),
                               testing::HasSubstr("learning rate 1e+30"), testing::HasSubstr("last good checkpoint")));
  }
  // It is whole: going on from it comes to the same point.
  EXPECT_THAT([&] { train(wild, folder_ / "wild"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("is not finite at step")));
}

// A finite gradient and a rate beyond float32: only the weights show it.
TEST_F(TrainingRunTest, WeightsThatAreNotFiniteAreNoCheckpoint) {
  TrainingRun wild = run();
  wild.checkpoint_every = 1;
  wild.settings.held_out_rows = 0;
  wild.grid_every = 100;
  wild.settings.trainer.clip = std::numeric_limits<double>::infinity();
  wild.settings.trainer.rate.rate = 1e39;
  EXPECT_THAT([&] { train(wild, folder_ / "wild"); }, testing::ThrowsMessage<Error>(testing::AllOf(
                                                          testing::HasSubstr("the state of the training is not finite"),
                                                          testing::HasSubstr("no checkpoint was due before"))));
  EXPECT_FALSE(fs::exists(folder_ / "wild/checkpoint.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "wild/model.safetensors"));
}

TEST_F(TrainingRunTest, WhateverFirstShowsThatItIsNotFiniteIsToldWithTheCheckpoint) {
  TrainingRun wild = run();
  wild.settings.trainer.rate.rate = 1e30;
  wild.settings.trainer.clip = std::numeric_limits<double>::infinity();
  wild.grid_every = 1;
  wild.checkpoint_every = 100;
  EXPECT_THAT([&] { train(wild, folder_ / "grid"); },
              testing::ThrowsMessage<Error>(testing::AllOf(testing::HasSubstr("the network returned"),
                                                           testing::HasSubstr("no checkpoint was due before"))));
  wild.settings.trainer.rate.rate = 1e38;  // what the network returns is no float32 any more
  wild.grid_every = 100;
  wild.checkpoint_every = 1;
  EXPECT_THAT([&] { train(wild, folder_ / "held out"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("rows kept aside is not finite after step 1")));
  EXPECT_FALSE(fs::exists(folder_ / "held out/checkpoint.safetensors"));
}

TEST_F(TrainingRunTest, ForeignAndBrokenCheckpointsAreRefused) {
  train(run(), folder_ / "run");
  const std::string good = contents(folder_ / "run/checkpoint.safetensors");
  const auto error_of = [&](const TrainingRun& other) -> std::string {
    try {
      train(other, folder_ / "run");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  TrainingRun wider = run();
  wider.settings.architecture.width = 9;
  EXPECT_THAT(error_of(wider), testing::HasSubstr("but in this network it is"));
  write_file_atomically(folder_ / "run/checkpoint.safetensors", good.substr(0, good.size() / 2));
  EXPECT_THAT(error_of(run()), testing::HasSubstr("cut off"));
  EXPECT_EQ(contents(folder_ / "run/checkpoint.safetensors"), good.substr(0, good.size() / 2));
}

TEST_F(TrainingRunTest, SettingsThatDoNotFitTheDataAreRefused) {
  TrainingRun other = run();
  other.settings.loader.labels = true;
  EXPECT_THROW(DenoiserTraining(other.settings, data_, nullptr, {}), Error);
  const Dataset constant = make_dataset("constant", std::vector<float>{1, 2, 1, 2}, {2});
  EXPECT_THROW(DenoiserTraining(run().settings, constant, nullptr, {}), Error);
  const Dataset two = make_dataset("two", std::vector<float>{1, 2, 3, 4}, {2}, {}, {0, 1});
  const Dataset three = make_dataset("three", std::vector<float>{1, 2, 3, 4}, {2}, {}, {0, 2});
  other.settings.architecture = fit_architecture(other.settings.architecture, two, true);
  EXPECT_NO_THROW(DenoiserTraining(other.settings, two, &two, {}));
  EXPECT_THROW(DenoiserTraining(other.settings, two, &three, {}), Error);
}

TEST_F(TrainingRunTest, EveryObjectiveTrains) {
  for (const Objective objective : {Objective::kExplicit, Objective::kImplicit, Objective::kSliced}) {
    TrainingRun other = run();
    other.settings.objective = objective;
    DenoiserTraining training(other.settings, data_, nullptr, {});
    EXPECT_TRUE(std::isfinite(training.trainer().step({}).loss.mean()));
  }
}

TEST(TrainingRun, StepsFitIntoTheTime) {
  const TrainingCost cost{0.1, 2, 5};
  const auto expect = [&](const TrainingPlan& plan, std::uint64_t steps, std::uint64_t checkpoints,
                          std::uint64_t grids) {
    EXPECT_EQ(plan.steps, steps);
    EXPECT_EQ(plan.records.checkpoints, checkpoints);
    EXPECT_EQ(plan.records.grids, grids);
  };
  expect(plan_within(1000, cost, 0, 0), 9350, 20, 5);  // 40 s of checkpoints, 25 of grids
  expect(plan_within(100, cost, 0, 0), 800, 5, 2);     // a tenth of the time each
  expect(plan_within(10, cost, 0, 0), 30, 1, 1);
  EXPECT_LT(plan_within(5, cost, 0, 0).left, 0);
  expect(plan_within(100, cost, 20, 0), 440, 1, 2);  // 100 - 2 - 10 s, 0.1 + 2/20 a step
  expect(plan_within(100, {0.1, 0, 0}, 0, 0), 1000, 20, 5);
  EXPECT_EQ(plan_within(1e300, cost, 0, 0).steps, std::uint64_t{1} << 40);
}

}  // namespace
}  // namespace scorefield

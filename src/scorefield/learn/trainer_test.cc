#include "scorefield/learn/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

net::Tensor tensor(const std::string& name, std::vector<std::size_t> shape, std::size_t offset, float deviation) {
  net::Tensor made;
  made.name = name;
  made.size = 1;
  for (const std::size_t n : shape) made.size *= n;
  made.shape = std::move(shape);
  made.offset = offset;
  made.deviation = deviation;
  made.value = 0.5F;
  return made;
}

std::vector<NetworkTensors> small_network() {
  return {{"net.", {tensor("a", {2, 3}, 0, 1), tensor("b", {4}, 6, 0)}}};
}

/// Loss of a row: |w - target of the row|^2 / 2, whose gradient is w - target.
class Regression final : public Task {
 public:
  Regression(const Weights& weights, std::size_t batch, std::size_t micro_batch)
      : weights_(weights), batch_(batch), micro_batch_(micro_batch) {}

  std::uint64_t spoilt_step = std::numeric_limits<std::uint64_t>::max();

  std::size_t batch() const override { return batch_; }
  std::size_t micro_batches() const override { return (batch_ + micro_batch_ - 1) / micro_batch_; }
  LossSum add_gradient(std::uint64_t step, std::size_t micro_batch, int /*worker*/,
                       std::span<float> gradient) override {
    LossSum losses;
    for (std::size_t row = micro_batch * micro_batch_; row < std::min(batch_, (micro_batch + 1) * micro_batch_);
         ++row) {
      const std::vector<double> target = target_of(step, row);
      double loss = step == spoilt_step ? std::nan("") : 0;
      for (std::size_t i = 0; i < target.size(); ++i) {
        const double error = static_cast<double>(weights_.values()[i]) - target[i];
        gradient[i] += static_cast<float>(error / static_cast<double>(batch_));
        loss += error * error / 2;
      }
      losses.add(loss);
    }
    return losses;
  }
  std::size_t held_out_batches() const override { return 2; }
  LossSum held_out_loss(std::size_t micro_batch, int /*worker*/) override {
    LossSum losses;
    double loss = 0;
    for (const float w : weights_.values()) loss += static_cast<double>(w);
    losses.add(loss * static_cast<double>(1 + micro_batch));
    return losses;
  }
  std::string describe(std::uint64_t /*step*/) const override { return "targets about 3"; }

  std::vector<double> target_of(std::uint64_t step, std::size_t row) const {
    std::vector<double> target(weights_.size());
    RandomStream(7, Purpose::kTest, step * batch_ + row).normals(target);
    for (double& value : target) value += 3;
    return target;
  }

 private:
  const Weights& weights_;
  std::size_t batch_;
  std::size_t micro_batch_;
};

TrainerOptions options() {
  TrainerOptions made;
  made.rate.rate = 0.05;
  made.clip = std::numeric_limits<double>::infinity();
  return made;
}

std::vector<float> copy(std::span<const float> values) {
  return {values.begin(), values.end()};
}

class TrainerTest : public testing::Test {
 protected:
  TestFolder folder_;
};

TEST(Weights, StartAsTheirTensorsSay) {
  std::vector<NetworkTensors> networks = {{"first.", {tensor("a", {100, 100}, 0, 0.5F), tensor("b", {3}, 10000, 0)}},
                                          {"second.", {tensor("a", {100, 100}, 0, 0.5F)}}};
  const Weights weights(networks, 5);
  EXPECT_EQ(weights.size(), 20003u);
  EXPECT_EQ(weights.tensors()[2].name, "second.a");
  EXPECT_EQ(weights.tensors()[2].offset, 10003u);
  EXPECT_EQ(weights.of_network(1), weights.values().data() + 10003);
  EXPECT_EQ(weights.values()[10001], 0.5F);
  double squares = 0;
  for (std::size_t i = 0; i < 10000; ++i) squares += std::pow(static_cast<double>(weights.values()[i]), 2);
  // The mean of 10^4 squares has relative deviation sqrt(2)/100; five of them.
  EXPECT_NEAR(squares / 10000, 0.25, 0.25 * 5 * 0.0142);
  EXPECT_NE(weights.values()[0], weights.values()[10003]);
  EXPECT_EQ(copy(Weights(networks, 5).values()), copy(weights.values()));
  EXPECT_NE(copy(Weights(networks, 6).values()), copy(weights.values()));

  Context small;
  small.memory_limit = 80000;  // 20003 floats are more
  EXPECT_THAT([&] { Weights(networks, 5, small); }, testing::ThrowsMessage<Error>(testing::HasSubstr("the weights")));
}

TEST(LossSum, MeanAndItsError) {
  LossSum losses;
  for (const double loss : {1.0, 2.0, 3.0, 6.0}) losses.add(loss);
  EXPECT_EQ(losses.mean(), 3);
  EXPECT_NEAR(losses.standard_error(), std::sqrt((4 + 1 + 0 + 9) / 3.0 / 4), 1e-15);
}

TEST_F(TrainerTest, LearnsTheMeanOfItsTargets) {
  Weights weights(small_network(), 1);
  Regression task(weights, 64, 16);
  Trainer trainer(weights, task, options(), {});
  LossSum last;
  for (int k = 0; k < 400; ++k) last = trainer.step({}).loss;
  // At the minimum a row's loss is half a chi-square of 10: mean 5, deviation sqrt(5); of 64 rows' mean 0.28.
  EXPECT_NEAR(last.mean(), 5, 5 * 0.28);
  // Adam at a constant rate keeps the weights within about that rate of the minimum; their average is closer.
  for (const float w : trainer.average()) EXPECT_NEAR(w, 3, 0.1);
}

TEST_F(TrainerTest, SameBitsForAnyNumberOfThreads) {
  std::vector<std::vector<float>> results;
  std::vector<double> losses;
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    Context context;
    context.pool = &pool;
    Weights weights(small_network(), 1);
    Regression task(weights, 37, 4);
    Trainer trainer(weights, task, options(), context);
    double sum = 0;
    for (int k = 0; k < 20; ++k) sum += trainer.step(context).loss.mean();
    results.push_back(copy(weights.values()));
    losses.push_back(sum);
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(losses[0], losses[2]);
}

TEST_F(TrainerTest, GradientIsThatOfTheMeanLossAndIsClipped) {
  Weights weights(small_network(), 1);
  Regression task(weights, 8, 3);
  std::vector<double> expected(weights.size());
  for (std::size_t row = 0; row < 8; ++row) {
    const std::vector<double> target = task.target_of(0, row);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] += (static_cast<double>(weights.values()[i]) - target[i]) / 8;
    }
  }
  double squares = 0;
  for (const double g : expected) squares += g * g;
  TrainerOptions clipped = options();
  clipped.clip = 0.25;
  Trainer trainer(weights, task, clipped, {});
  const std::vector<float> before = copy(weights.values());
  const StepReport report = trainer.step({});
  EXPECT_NEAR(report.gradient_norm, std::sqrt(squares), 1e-5);  // 8 roundings of floats about 3
  EXPECT_EQ(report.rate, 0.05);
  // Adam's moments see the clipped gradient: the first is a tenth of it.
  trainer.save(folder_ / "state", {});
  const Array moment = open_safetensors(folder_ / "state", {}).read("first_moment.net.b", {});
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(moment.values<float>()[i], 0.1 * 0.25 / std::sqrt(squares) * expected[6 + i], 1e-6);
  }
}

TEST_F(TrainerTest, GoesOnFromACheckpointToTheSameBits) {
  for (const char* const average : {"none", "decay:0.9", "half-life:500"}) {
    TrainerOptions wanted = options();
    wanted.average = average_options(average);
    set_decay("cosine", wanted.rate);
    wanted.rate.steps = 20;
    Weights weights(small_network(), 1);
    Regression task(weights, 8, 3);
    Trainer whole(weights, task, wanted, {});
    for (int k = 0; k < 7; ++k) whole.step({});
    whole.save(folder_ / "state", {{"config", "{}"}});
    for (int k = 0; k < 7; ++k) whole.step({});

    Weights other(small_network(), 2);
    Regression other_task(other, 8, 3);
    Trainer resumed(other, other_task, wanted, {});
    resumed.load(folder_ / "state", {});
    EXPECT_EQ(resumed.steps_done(), 7u);
    for (int k = 0; k < 7; ++k) resumed.step({});
    EXPECT_EQ(copy(weights.values()), copy(other.values()));
    EXPECT_EQ(copy(whole.average()), copy(resumed.average()));
  }
}

TEST_F(TrainerTest, HeldOutLossIsThatOfTheAverage) {
  Weights weights(small_network(), 1);
  Regression task(weights, 8, 3);
  TrainerOptions wanted = options();
  wanted.average = average_options("decay:0.5");
  Trainer trainer(weights, task, wanted, {});
  trainer.step({});
  const std::vector<float> before = copy(weights.values());
  double sum = 0;
  for (const float w : trainer.average()) sum += static_cast<double>(w);
  EXPECT_DOUBLE_EQ(trainer.held_out_loss({}).mean(), 1.5 * sum);
  EXPECT_EQ(copy(weights.values()), before);
}

TEST_F(TrainerTest, ALossThatIsNotFiniteStopsAndChangesNothing) {
  Weights weights(small_network(), 1);
  Regression task(weights, 8, 3);
  task.spoilt_step = 2;
  Trainer trainer(weights, task, options(), {});
  trainer.step({});
  trainer.step({});
  const std::vector<float> before = copy(weights.values());
  try {
    trainer.step({});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr("the loss is not finite at step 2 (learning rate 0.05, targets about"));
  }
  EXPECT_EQ(copy(weights.values()), before);
  EXPECT_EQ(trainer.steps_done(), 2u);
}

TEST_F(TrainerTest, ForeignCheckpointsAreRefused) {
  Weights weights(small_network(), 1);
  Regression task(weights, 8, 3);
  Trainer trainer(weights, task, options(), {});
  trainer.step({});
  trainer.save(folder_ / "good", {});
  const auto error_of = [&](Trainer& other, const char* file) -> std::string {
    try {
      other.load(folder_ / file, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  {
    std::vector<NetworkTensors> network = small_network();
    network[0].tensors[0].shape = {3, 2};
    Weights changed(network, 1);
    Regression changed_task(changed, 8, 3);
    Trainer other(changed, changed_task, options(), {});
    EXPECT_THAT(error_of(other, "good"),
                testing::HasSubstr("net.a: has the shape [2, 3], but in this network it is [3, 2]"));
    network[0].tensors[0].name = "c";
    Weights renamed(network, 1);
    Regression renamed_task(renamed, 8, 3);
    Trainer third(renamed, renamed_task, options(), {});
    EXPECT_THAT(error_of(third, "good"), testing::HasSubstr("unknown tensor 'weights.net.c'"));
  }
  TrainerOptions wanted = options();
  wanted.average = average_options("none");
  Trainer without(weights, task, wanted, {});
  EXPECT_THAT(error_of(without, "good"), testing::HasSubstr("holds 9 tensors where this training has 7"));

  Weights spoilt(small_network(), 1);
  spoilt.values()[7] = std::nanf("");
  Regression spoilt_task(spoilt, 8, 3);
  Trainer(spoilt, spoilt_task, options(), {}).save(folder_ / "nan", {});
  const std::vector<float> before = copy(weights.values());
  EXPECT_THAT(error_of(trainer, "nan"), testing::HasSubstr("weights.net.b: value 1 is not finite"));
  EXPECT_EQ(copy(weights.values()), before);
  EXPECT_NE(error_of(trainer, "none"), "");
}

}  // namespace
}  // namespace scorefield

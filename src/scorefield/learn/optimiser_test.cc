#include "scorefield/learn/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

constexpr double kUnit = 0x1p-24;  // rounding unit of float

std::vector<float> normals(std::uint64_t node, std::size_t count, double scale = 1) {
  std::vector<double> drawn(count);
  RandomStream(1, Purpose::kTest, node).normals(drawn);
  std::vector<float> values;
  for (const double value : drawn) values.push_back(static_cast<float>(scale * value));
  return values;
}

net::Tensor tensor(std::size_t offset, std::size_t size, bool decays) {
  net::Tensor made;
  made.shape = {size};
  made.offset = offset;
  made.size = size;
  made.decays = decays;
  return made;
}

TEST(Adam, FollowsTheAlgorithmInDouble) {
  const std::vector<net::Tensor> tensors = {tensor(0, 70, true), tensor(70, 30, false)};
  AdamOptions options;
  options.beta2 = 0.99;
  options.weight_decay = 0.1;
  Adam adam(options, tensors);
  std::vector<float> weights = normals(0, 100);
  std::vector<double> w(weights.begin(), weights.end());
  std::vector<double> m(100);
  std::vector<double> v(100);
  const double rate = 0.01;
  const double scale = 0.5;
  constexpr int kSteps = 50;
  for (int t = 1; t <= kSteps; ++t) {
    const std::vector<float> gradient = normals(static_cast<std::uint64_t>(t), 100);
    adam.step(static_cast<std::uint64_t>(t), rate, scale, gradient, weights, nullptr);
    for (std::size_t i = 0; i < 100; ++i) {
      const double g = scale * static_cast<double>(gradient[i]);
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.99 * v[i] + 0.01 * g * g;
      const double decay = i < 70 ? 0.1 : 0;
      w[i] -=
          rate * (decay * w[i] + m[i] / (1 - std::pow(0.9, t)) / (std::sqrt(v[i] / (1 - std::pow(0.99, t))) + 1e-8));
    }
  }
  // A step rounds the weight twice, by a unit of |w| <= 4 each, and its change, rate * O(1), by some 20 units; m and v
  // carry at most 10 and 100 steps' roundings of their own.
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_NEAR(weights[i], w[i], kSteps * kUnit * (2 * 4 + rate * 120)) << i;
    EXPECT_NEAR(adam.first_moment()[i], m[i], 10 * 3 * kUnit * 2);
    EXPECT_NEAR(adam.second_moment()[i], v[i], 100 * 3 * kUnit * 1);
  }
}

TEST(Adam, FirstStepIsTheSignOfTheGradient) {
  Adam adam({}, std::vector<net::Tensor>{tensor(0, 3, true)});
  std::vector<float> weights = {1, 1, 1};
  adam.step(1, 0.25, 1, std::vector<float>{1e-3F, -20, 0}, weights, nullptr);
  // m/(1 - beta1) = g and sqrt(v/(1 - beta2)) = |g|: 1/(1 + epsilon/|g|) off by 1e-5 at most, and a few roundings.
  EXPECT_NEAR(weights[0], 0.75, 0.25e-5 + 8 * kUnit);
  EXPECT_NEAR(weights[1], 1.25, 8 * kUnit);
  EXPECT_EQ(weights[2], 1);
}

TEST(Optimiser, SameBitsForAnyNumberOfThreads) {
  constexpr std::size_t kSize = 300'001;
  const std::vector<net::Tensor> tensors = {tensor(0, 100'000, true), tensor(100'000, kSize - 100'000, false)};
  const std::vector<float> gradient = normals(0, kSize);
  std::vector<std::vector<float>> results;
  std::vector<double> norms;
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    Adam adam({}, tensors);
    std::vector<float> weights = normals(1, kSize);
    adam.step(1, 0.1, 1, gradient, weights, &pool);
    update_average(0.9, gradient, weights, &pool);
    add(gradient, weights, &pool);
    results.push_back(weights);
    norms.push_back(norm(gradient, &pool));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
  EXPECT_EQ(norms[0], norms[1]);
  EXPECT_EQ(norms[0], norms[2]);
  double sum = 0;
  for (const float g : gradient) sum += static_cast<double>(g) * static_cast<double>(g);
  EXPECT_NEAR(norms[0], std::sqrt(sum), 1e-12 * norms[0]);  // 3e5 roundings of 1.1e-16 at most, and far fewer in fact
}

TEST(RateSchedule, RisesHoldsAndFalls) {
  RateSchedule schedule;
  schedule.rate = 2;
  schedule.warm_up = 4;
  schedule.steps = 100;
  EXPECT_EQ(schedule.at(0), 0.5);
  EXPECT_EQ(schedule.at(3), 2);
  EXPECT_EQ(schedule.at(99), 2);
  set_decay("cosine", schedule);
  for (const std::uint64_t step : {std::uint64_t{4}, std::uint64_t{50}, std::uint64_t{75}}) {
    // cos of ours is good to 2 ulp of 1.
    EXPECT_NEAR(schedule.at(step), 1 + std::cos(M_PI * static_cast<double>(step) / 100), 1e-15);
  }
  EXPECT_NEAR(schedule.at(100), 0, 1e-15);
  EXPECT_EQ(schedule.at(200), schedule.at(100));
  set_decay("inverse-sqrt:16", schedule);
  EXPECT_EQ(schedule.at(16), 2);
  EXPECT_EQ(schedule.at(64), 1);
  for (const char* const bad : {"", "linear", "inverse-sqrt", "inverse-sqrt:", "inverse-sqrt:0", "inverse-sqrt:1.5"}) {
    EXPECT_THROW(set_decay(bad, schedule), Error) << bad;
  }
}

TEST(Average, HalvesInItsHalfLife) {
  const AverageOptions options = average_options("half-life:1000,0.1");
  constexpr std::size_t kBatch = 10;
  // Far into a run 100 steps of 10 rows halve what was there before.
  std::vector<float> average = {1};
  for (int k = 0; k < 100; ++k) update_average(options.beta(5000, kBatch), std::vector<float>{0}, average, nullptr);
  EXPECT_NEAR(average[0], 0.5, 100 * kUnit);
  // At the beginning the half-life is a tenth of the rows that were seen: at step 50 (500 rows), 50 rows.
  EXPECT_DOUBLE_EQ(options.beta(50, kBatch), std::exp2(-0.2));
  EXPECT_EQ(options.beta(0, kBatch), 0);
  EXPECT_EQ(average_options("decay:0.75").beta(0, 1), 0.75);
  EXPECT_EQ(average_options("none").kind, AverageOptions::Kind::kNone);
  for (const char* const bad :
       {"", "decay:1", "decay:-1", "half-life:0", "half-life:5,", "half-life:5,0", "ema", "decay"}) {
    EXPECT_THROW(average_options(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace scorefield

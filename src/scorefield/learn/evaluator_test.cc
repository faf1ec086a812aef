#include "scorefield/learn/evaluator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

/// F(x) = (2 x_0 + label + class, x_1^2), to be known exactly; `neighbourly` adds what the next row holds.
class Toy final : public net::Network {
 public:
  explicit Toy(bool neighbourly) : neighbourly_(neighbourly) {}

  void evaluate(const net::Batch& batch, float* out) override {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      out[2 * i] = 2 * batch.x[2 * i] + batch.noise_label[i];
      if (batch.classes != nullptr) out[2 * i] += static_cast<float>(batch.classes[i]);
      out[2 * i + 1] = batch.x[2 * i + 1] * batch.x[2 * i + 1];
      if (neighbourly_) out[2 * i] += 1e-6F * batch.x[2 * ((i + 1) % batch.rows)];
    }
  }
  void forward(const net::Batch& batch, float* out) override {
    evaluate(batch, out);
    x_.assign(batch.x, batch.x + 2 * batch.rows);
  }
  void pull_back(const float* cotangent, float* /*gradient*/, float* x_gradient) override {
    for (std::size_t i = 0; i < x_.size(); i += 2) {
      x_gradient[i] = 2 * cotangent[i];
      x_gradient[i + 1] = 2 * x_[i + 1] * cotangent[i + 1];
    }
  }
  void forward_forms(const net::Batch& /*batch*/, const float* /*probes*/, std::size_t /*count*/, float* /*out*/,
                     float* /*forms*/) override {}
  void pull_back_forms(const float* /*cotangent*/, const float* /*form_cotangent*/, float* /*gradient*/) override {}

 private:
  bool neighbourly_;
  std::vector<float> x_;
};

Evaluator toy(bool neighbourly) {
  return {[=] { return std::make_unique<Toy>(neighbourly); }, 2, 2, true, 0.5};
}

TEST(Evaluator, EveryRowIsAnsweredWhateverTheirNumberAndThreads) {
  ThreadPool pool(3);
  const Evaluator evaluator = toy(false);
  EXPECT_EQ(evaluator.slots(), 8U);
  for (const std::size_t rows : {1, 7, 8, 9, 50}) {
    std::vector<float> x(2 * rows);
    std::iota(x.begin(), x.end(), 1.0F);
    std::vector<float> label(rows);
    std::iota(label.begin(), label.end(), 0.25F);
    std::vector<std::int32_t> classes(rows);
    std::iota(classes.begin(), classes.end(), -1);
    const net::Batch batch{rows, x.data(), label.data(), classes.data()};
    std::vector<float> expected(2 * rows);
    Toy(false).evaluate(batch, expected.data());
    for (ThreadPool* const threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
      std::vector<float> out(2 * rows);
      evaluator.evaluate(batch, out.data(), {.pool = threads});
      EXPECT_EQ(out, expected) << rows;
    }
  }
}

TEST(Evaluator, RowsThatSeeTheirNeighboursAreAskedOneByOne) {
  const Evaluator evaluator = toy(true);
  EXPECT_EQ(evaluator.slots(), 1U);
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<float> label = {0, 0};
  std::vector<float> both(4);
  std::vector<float> second(2);
  evaluator.evaluate({2, x.data(), label.data(), nullptr}, both.data(), {});
  evaluator.evaluate({1, &x[2], label.data(), nullptr}, second.data(), {});
  EXPECT_EQ(both[2], second[0]);
}

TEST(Evaluator, PullsTheCotangentOfEveryRowBack) {
  const Evaluator evaluator = toy(false);
  const std::size_t rows = 11;
  std::vector<float> x(2 * rows);
  std::iota(x.begin(), x.end(), 1.0F);
  const std::vector<float> label(rows, 0.5F);
  std::vector<float> out(2 * rows);
  std::vector<float> gradient(2 * rows);
  evaluator.pull_back({rows, x.data(), label.data(), nullptr},
                      [&](std::size_t row, const float* values, float* cotangent) {
                        EXPECT_EQ(values[1], x[2 * row + 1] * x[2 * row + 1]);
                        cotangent[0] = static_cast<float>(row);
                        cotangent[1] = 1;
                      },
                      out.data(), gradient.data(), {});
  for (std::size_t i = 0; i < rows; ++i) {
    EXPECT_EQ(out[2 * i], 2 * x[2 * i] + 0.5F);
    EXPECT_EQ(gradient[2 * i], 2.0F * static_cast<float>(i));
    EXPECT_EQ(gradient[2 * i + 1], 2 * x[2 * i + 1]);
  }
}

}  // namespace
}  // namespace scorefield

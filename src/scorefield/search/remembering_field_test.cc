#include "scorefield/search/remembering_field.h"

#include <gtest/gtest.h>

#include "scorefield/search/small_problem_test.h"

namespace scorefield {
namespace {

std::vector<double> denoised(const Field& field, const Rows& x, double sigma) {
  const Answer answer = field.ask(x.view(), {&sigma, 1}, {}, {}, {});
  return {answer.denoised.values().begin(), answer.denoised.values().end()};
}

TEST(RememberingField, AnswersAsTheFieldDoesAndAsksItOnce) {
  const Field& field = small_mixture();
  const RememberingField remembering(field, 2, 1 << 20);
  Rows x(3, field.dimension());
  for (std::size_t k = 0; k < x.values().size(); ++k) x.values()[k] = 0.1 * static_cast<double>(k);
  Rows other = x;
  other(2, 1) += 1e-15;
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(denoised(remembering, x, 1.5), denoised(field, x, 1.5));
    EXPECT_EQ(denoised(remembering, other, 1.5), denoised(field, other, 1.5));
  }
  EXPECT_EQ(remembering.remembered(), 2U);
  EXPECT_GT(remembering.saved_seconds(), 0);
  EXPECT_EQ(denoised(remembering, x, 1.25), denoised(field, x, 1.25));  // pushes x at 1.5 out
  EXPECT_EQ(denoised(remembering, x, 1.5), denoised(field, x, 1.5));
  EXPECT_EQ(remembering.remembered(), 2U);
}

TEST(RememberingField, KeepsLabelsApart) {
  const GaussianMixture field = synthetic_law(make_synthetic("ring", {}).truth);
  const RememberingField remembering(field, 8, 1 << 20);
  Rows x(2, 2);
  x(0, 0) = 0.3;
  const double sigma = 0.5;
  const auto answer = [&](const Field& of, const std::vector<int>& labels) {
    return of.ask(x.view(), {&sigma, 1}, labels, {}, {}).denoised(0, 0);
  };
  const std::vector<std::vector<int>> all = {{1}, {2}, {-1}, {1, 2}};
  for (int turn = 0; turn < 2; ++turn) {
    for (const std::vector<int>& labels : all) EXPECT_EQ(answer(remembering, labels), answer(field, labels));
  }
  EXPECT_NE(answer(field, {1}), answer(field, {2})) << "what would show";
  EXPECT_EQ(remembering.remembered(), all.size()) << "each once, in the second turn";
}

TEST(RememberingField, LeavesOtherRequestsToTheField) {
  const RememberingField remembering(small_mixture(), 2, 1 << 20);
  const Rows x(1, small_mixture().dimension());
  const double sigma = 0.5;
  for (int turn = 0; turn < 2; ++turn) {
    const Answer answer = remembering.ask(x.view(), {&sigma, 1}, {}, {.log_density = true}, {});
    EXPECT_EQ(answer.log_density.size(), 1U);
  }
  EXPECT_EQ(remembering.remembered(), 0U);
}

}  // namespace
}  // namespace scorefield

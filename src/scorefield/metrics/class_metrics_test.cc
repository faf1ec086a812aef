// Class metrics where they are known, and rows that are no probabilities.
#include "scorefield/metrics/class_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

/// Sure of class label(i).
template <class Label>
Rows sure(std::size_t n, std::size_t classes, const Label& label) {
  Rows rows(n, classes);
  for (std::size_t i = 0; i < n; ++i) rows(i, label(i)) = 1;
  return rows;
}

TEST(ClassMetrics, OfSureAndUnsureClassifiers) {
  const Rows balanced = sure(80, 4, [](std::size_t i) { return i % 4; });
  const ClassMetrics same = class_metrics(balanced.view(), balanced.view(), 0);
  EXPECT_EQ(same.entropy.value, 0);
  EXPECT_EQ(same.entropy.standard_error, 0);
  EXPECT_NEAR(same.entropy_of_mean.value, std::log(4.0), 1e-14);
  EXPECT_NEAR(same.inception_score.value, 4, 1e-13);
  EXPECT_EQ(same.total_variation.value, 0);

  Rows unsure(50, 4);
  for (double& v : unsure.values()) v = 0.25;
  const ClassMetrics none = class_metrics(balanced.view(), unsure.view(), 0);
  EXPECT_NEAR(none.entropy.value, std::log(4.0), 1e-14);
  EXPECT_NEAR(none.inception_score.value, 1, 1e-14);
  EXPECT_EQ(none.shares, (std::vector<double>{1, 0, 0, 0})) << "ties: the lower class";
  EXPECT_NEAR(none.total_variation.value, 0.75, 1e-14);
}

TEST(ClassMetrics, TheErrorOfAShareIsThatOfTheBinomial) {
  // Three quarters of class 0 against a half: TV = |difference|, whose error is sqrt(p q (1/N + 1/M)); the jackknife of
  // 20 groups knows it to 1/sqrt(2 * 19) = 16 % a side: four of those.
  const std::size_t n = 4000;
  const auto draw = [&](double p, std::uint64_t seed) {
    const RandomStream random(seed, Purpose::kTest);
    return sure(n, 2, [&](std::size_t i) { return random.uniform(i) < p ? 0U : 1U; });
  };
  const ClassMetrics found = class_metrics(draw(0.75, 1).view(), draw(0.5, 2).view(), 3);
  const double error = std::sqrt((0.75 * 0.25 + 0.5 * 0.5) / static_cast<double>(n));
  EXPECT_NEAR(found.total_variation.value, 0.25, 4 * error);
  EXPECT_NEAR(found.total_variation.standard_error / error, 1, 0.5);
}

TEST(ClassMetrics, RefusesWhatIsNoProbability) {
  const Rows good = sure(5, 3, [](std::size_t) { return 1U; });
  const auto refuses = [&](const Rows& bad, const char* expected) {
    EXPECT_THAT([&] { class_metrics(good.view(), bad.view(), 0); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(expected)));
    EXPECT_THROW(class_metrics(bad.view(), good.view(), 0), Error);
  };
  Rows bad = good;
  bad(3, 0) = 0.5;
  refuses(bad, "row 3 sums to 1.5");
  bad(3, 0) = -0.5;
  refuses(bad, "row 3 gives class 0");
  bad(3, 0) = std::numeric_limits<double>::quiet_NaN();
  refuses(bad, "row 3");
  refuses(sure(5, 4, [](std::size_t) { return 1U; }), "4 classes");
  refuses(sure(2, 3, [](std::size_t) { return 1U; }), "2 rows");
}

}  // namespace
}  // namespace scorefield

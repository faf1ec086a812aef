#include "scorefield/field/synthetic_law.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

// The moments of rows that were drawn from the same truth.
TEST(SyntheticLaw, HasTheMomentsOfTheRows) {
  const SyntheticData made = make_synthetic("mixture:n=20000,d=5,modes=3,rank=2,noise=0.3", {});
  const GaussianMixture law = synthetic_law(made.truth);
  ASSERT_EQ(law.dimension(), 5U);
  const std::size_t n = made.data.size();
  std::vector<double> row(5);
  std::vector<double> mean(5);
  double square = 0;
  for (std::size_t i = 0; i < n; ++i) {
    made.data.row(i, row);
    for (std::size_t j = 0; j < 5; ++j) {
      mean[j] += row[j] / static_cast<double>(n);
      square += std::pow(row[j] - law.mean()[j], 2) / static_cast<double>(n);
    }
  }
  // |row - mean|^2 has a standard deviation below its mean of about 10: four standard errors of 20000 rows.
  EXPECT_NEAR(square, law.variance(), 4 * law.variance() / std::sqrt(20000.0));
  for (std::size_t j = 0; j < 5; ++j) EXPECT_NEAR(mean[j], law.mean()[j], 4 * std::sqrt(law.variance() / 20000));
}

TEST(SyntheticLaw, IsOfGaussiansOnly) {
  EXPECT_THROW(synthetic_law(make_synthetic("checkerboard:n=4", {}).truth), Error);
}

}  // namespace
}  // namespace scorefield

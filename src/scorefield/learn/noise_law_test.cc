#include "scorefield/learn/noise_law.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/test_folder_test.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Target in_process(const std::string& process) {
  Target target;
  target.process = process;
  return target;
}

struct Case {
  const char* spec;
  const char* process;
  double sigma_min;
  double sigma_max;
};

class NoiseLaws : public testing::TestWithParam<Case> {
 protected:
  std::shared_ptr<const NoiseLaw> law_ =
      make_noise_law(GetParam().spec, in_process(GetParam().process), GetParam().sigma_min, GetParam().sigma_max);
};

TEST_P(NoiseLaws, DensityIsTheDerivativeOfTheShare) {
  for (double u = 0.0137; u < 1; u += 0.0371) {
    const double sigma = law_->level(u);
    // u(log sigma) by central differences of its inverse: d log sigma/du = 1/density.
    const double h = 1e-5 * std::min(u, 1 - u);
    const double slope = (std::log(law_->level(u + h)) - std::log(law_->level(u - h))) / (2 * h);
    // Error h^2/6 of the third derivative, which is some 10/min(u, 1 - u)^2 of the slope: 1e-9; and 1e-15/h of
    // rounding.
    EXPECT_NEAR(law_->density(sigma) * slope, 1, 1e-7) << u;
  }
}

TEST_P(NoiseLaws, LevelsAscend) {
  double before = 0;
  for (double u = 0x1p-53; u < 1; u += 0.01) {
    const double sigma = law_->level(u);
    EXPECT_GE(sigma, before);
    before = sigma;
  }
  EXPECT_GE(law_->level(1 - 0x1p-53), before);
}

INSTANTIATE_TEST_SUITE_P(All, NoiseLaws,
                         testing::Values(Case{"lognormal", "edm", 0, kInf}, Case{"lognormal:0.5,2", "edm", 0, kInf},
                                         Case{"uniform", "edm", 0.002, 80}, Case{"uniform", "vp", 0, kInf},
                                         Case{"uniform", "ve", 0.02, 40}, Case{"uniform", "sub-vp", 0, kInf},
                                         Case{"uniform", "ou", 0.01, 100}, Case{"uniform", "cosine", 0, kInf},
                                         Case{"uniform", "flow", 0, kInf}, Case{"uniform", "flow", 0.1, 10}));

TEST(NoiseLaw, TableIsFollowedLinearlyInLogSigma) {
  const std::vector<double> sigmas = {0.1, 1, std::exp(1.0), 20};
  const std::vector<double> weights = {0, 2, 2, 1};
  const auto law = make_tabulated(sigmas, weights);
  const double last = std::log(20.0) - 1;
  const double whole = std::log(10.0) + 2 + last * 1.5;  // trapezoids
  EXPECT_NEAR(law->density(1), 2 / whole, 1e-15);
  EXPECT_NEAR(law->density(std::sqrt(0.1)), 1 / whole, 1e-15);
  EXPECT_EQ(law->density(0.09), 0);
  EXPECT_EQ(law->density(20.1), 0);
  EXPECT_NEAR(law->level(std::log(10.0) / whole), 1, 1e-14);
  EXPECT_NEAR(law->level((std::log(10.0) + 1) / whole), std::exp(0.5), 1e-14);
  EXPECT_NEAR(law->level(0.25 * std::log(10.0) / whole), std::sqrt(0.1), 1e-14);  // a triangle's quarter at its half
  EXPECT_NEAR(law->level(1 - 0x1p-53), 20, 1e-12);
  EXPECT_NEAR(law->level(0x1p-53), 0.1, 1e-6);
  for (double u = 0.01; u < 1; u += 0.02) {
    const double h = 1e-6;
    const double slope = (std::log(law->level(u + h)) - std::log(law->level(u - h))) / (2 * h);
    if (std::abs(u - std::log(10.0) / whole) > h && std::abs(u - (std::log(10.0) + 2) / whole) > h) {
      EXPECT_NEAR(law->density(law->level(u)) * slope, 1, 1e-5) << u;  // (h/u)^2 by the root at 0, as above
    }
  }
}

TEST(NoiseLaw, EdmConstantsMoveWithTheData) {
  Target target;
  EXPECT_NEAR(make_noise_law("lognormal", target, 0, kInf)->level(0.5), std::exp(-1.2), 1e-15);
  target.sigma_data = 5;
  EXPECT_NEAR(make_noise_law("lognormal", target, 0, kInf)->level(0.5), 10 * std::exp(-1.2), 1e-14);
  EXPECT_NEAR(make_noise_law("uniform", target, 0, kInf)->level(0.5), 400, 1e-12);
}

TEST(NoiseLaw, WhatIsNoLawIsRefused) {
  for (const char* const bad : {"", "log-normal", "lognormal:", "lognormal:1", "lognormal:1,0", "lognormal:1,2,3",
                                "lognormal:nan,1", "uniform:3", "table:", "table:/no/such/file"}) {
    EXPECT_THROW(make_noise_law(bad, {}, 0, kInf), Error) << bad;
  }
  EXPECT_THROW(make_noise_law("uniform", in_process("ou"), 0.1, 0.05), Error);
  EXPECT_THROW(make_noise_law("uniform", in_process("vp"), 0.1, 1e6), Error);
  EXPECT_THROW(make_tabulated(std::vector<double>{1}, std::vector<double>{1}), Error);
  EXPECT_THROW(make_tabulated(std::vector<double>{1, 1}, std::vector<double>{1, 1}), Error);
  EXPECT_THROW(make_tabulated(std::vector<double>{1, 2}, std::vector<double>{0, 0}), Error);
  EXPECT_THROW(make_tabulated(std::vector<double>{1, 2}, std::vector<double>{1, -1}), Error);
  const TestFolder folder;
  const std::filesystem::path path = folder / "law.csv";
  write_file_atomically(path, "sigma,weight\n0.1,1\n10,3\n");
  EXPECT_NEAR(make_noise_law("table:" + path.string(), {}, 0, kInf)->density(10), 3 / (4 * std::log(10.0)), 1e-15);
  write_file_atomically(path, "0.1,1,2\n");
  EXPECT_THROW(make_noise_law("table:" + path.string(), {}, 0, kInf), Error);
}

TEST(NoiseShares, AntitheticOnesCoverTheIntervalEvenly) {
  constexpr std::size_t kRows = 64;
  const NoiseShares even(1, kRows, true);
  const NoiseShares free(1, kRows, false);
  std::vector<double> shares;
  double mean = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    shares.push_back(even.of(5, i));
    mean += free.of(5, i) / kRows;
  }
  std::ranges::sort(shares);
  for (std::size_t i = 0; i + 1 < kRows; ++i) EXPECT_NEAR(shares[i + 1] - shares[i], 1.0 / kRows, 1e-15);
  EXPECT_GT(shares.front(), 0);
  EXPECT_LT(shares.back(), 1);
  EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12 / kRows));
  EXPECT_NE(even.of(5, 0), even.of(6, 0));
  EXPECT_EQ(even.of(5, 3), NoiseShares(1, kRows, true).of(5, 3));
  // The mean over steps of any one row is that of a uniform number, so gradients are not biased.
  double of_row = 0;
  for (std::uint64_t step = 0; step < 1000; ++step) of_row += even.of(step, 17) / 1000;
  EXPECT_NEAR(of_row, 0.5, 5 * std::sqrt(1.0 / 12 / 1000));
}

}  // namespace
}  // namespace scorefield

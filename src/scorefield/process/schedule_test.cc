#include "scorefield/process/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::string message_of(const ScheduleOptions& options) {
  try {
    noise_levels(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Schedule, PolynomialHasTheValuesOfKarrasEquation5) {
  // 40-digit evaluation of eq. 5 for EDM's defaults (18 levels, 0.002 to 80, rho 7), rounded to 17 digits.
  const std::vector<double> expected = {80,
                                        57.58598472124816,
                                        40.785573796507961,
                                        28.374584604156837,
                                        19.352452980325221,
                                        12.910082380757316,
                                        8.4009353090998218,
                                        5.3151945217963785,
                                        3.2568215197655381,
                                        1.9233398370400498,
                                        1.0881706365452795,
                                        0.58534812319454232,
                                        0.29644228447915727,
                                        0.13951646873101647,
                                        0.059947311235471569,
                                        0.02293451837233337,
                                        0.0075280199627840707,
                                        0.002};
  const std::vector<double> levels = noise_levels({});
  ASSERT_EQ(levels.size(), 19u);
  EXPECT_EQ(levels[0], 80.0);
  EXPECT_EQ(levels[17], 0.002);
  EXPECT_EQ(levels[18], 0.0);
  // The seventh power multiplies the few roundings before it by 7.
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(levels[i], expected[i], 1e-14 * expected[i]) << i;
  ScheduleOptions alias;
  alias.name = "karras";
  EXPECT_EQ(noise_levels(alias), levels);
}

TEST(Schedule, LogSnrIsEquallySpaced) {
  ScheduleOptions options;
  options.name = "logsnr";
  options.steps = 11;
  options.sigma_min = 1e-3;
  options.sigma_max = 1e2;
  const std::vector<double> levels = noise_levels(options);
  ASSERT_EQ(levels.size(), 12u);
  for (std::size_t i = 0; i < 11; ++i) {
    EXPECT_NEAR(levels[i], std::pow(10.0, 2 - 0.5 * static_cast<double>(i)), 4e-15 * levels[i]);
  }
}

TEST(Schedule, EndsAtSigmaMinWhenAsked) {
  ScheduleOptions options;
  options.end_at_zero = false;
  const std::vector<double> levels = noise_levels(options);
  ASSERT_EQ(levels.size(), 18u);
  EXPECT_EQ(levels.back(), 0.002);
}

TEST(Schedule, TakesExplicitLevels) {
  ScheduleOptions options;
  options.sigmas = {kInf, 10.98, 0.5};
  EXPECT_EQ(noise_levels(options), (std::vector<double>{kInf, 10.98, 0.5, 0}));
  options.sigmas.push_back(0);  // not doubled
  EXPECT_EQ(noise_levels(options), (std::vector<double>{kInf, 10.98, 0.5, 0}));
  options.sigmas = {80, 10};
  options.end_at_zero = false;
  EXPECT_EQ(noise_levels(options), (std::vector<double>{80, 10}));
  options.sigmas = {80};
  options.end_at_zero = true;
  EXPECT_EQ(noise_levels(options), (std::vector<double>{80, 0}));
}

TEST(Schedule, RefusesWithTheReason) {
  const auto with = [](auto change) {
    ScheduleOptions options;
    change(options);
    return message_of(options);
  };
  using O = ScheduleOptions;
  EXPECT_EQ(with([](O& o) { o.name = "polinomial"; }), "unknown schedule 'polinomial'; did you mean 'polynomial'?");
  EXPECT_NE(with([](O& o) { o.steps = 1; }).find("at least 2 noise levels"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.steps = 2'000'000; }).find("too many"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigma_min = 100; }).find("must be below --sigma-max 80"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigma_min = 80; }).find("must be below --sigma-max 80"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigma_min = 0; }).find("--sigma-min must be above 0"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigma_min = std::nan(""); }).find("--sigma-min must be above 0"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigma_max = std::nan(""); }).find("must be below"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigma_max = kInf; }).find("--sigmas inf,80"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.rho = 0; }).find("--rho must be above 0"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.rho = 1e-3; }).find("too small"), std::string::npos);  // 80^1000 overflows
  EXPECT_NE(with([](O& o) {
              o.sigma_min = std::nextafter(80, 0);
              o.steps = 5;
            }).find("too close"),
            std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigmas = {80, 90, 1}; }).find("level 1 is 90, not below 80"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigmas = {80, 80}; }).find("from large to small"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigmas = {80, 0, 1}; }).find("a 0 can only come last"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigmas = {80, -1}; }).find("level 1 is -1"), std::string::npos);
  EXPECT_NE(with([](O& o) { o.sigmas = {0}; }).find("makes no step"), std::string::npos);
  EXPECT_NE(with([](O& o) {
              o.sigmas = {80, 0};
              o.end_at_zero = false;
            }).find("--end sigma-min"),
            std::string::npos);
}

}  // namespace
}  // namespace scorefield

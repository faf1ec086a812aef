#include "scorefield/process/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

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

TEST(Schedule, LinearIsEquallySpacedInSigma) {
  const std::vector<double> levels =
      noise_levels({.name = "uniform", .steps = 5, .sigma_min = 1, .sigma_max = 9, .end_at_zero = false});
  EXPECT_EQ(levels, (std::vector<double>{9, 7, 5, 3, 1}));
}

TEST(Schedule, VpUniformHasTheLevelsOfTheVariancePreservingProcess) {
  // sigma(u) = sqrt(exp(bd u^2/2 + bm u) - 1) with bd = 2 (ln(smin^2 + 1)/1e-3 - ln(smax^2 + 1))/(1e-3 - 1) and
  // bm = ln(smax^2 + 1) - bd/2 (Karras et al. 2022, table 1).
  const double high = std::log(80.0 * 80.0 + 1);
  const double slope = 2 * (std::log1p(0.002 * 0.002) / 1e-3 - high) / (1e-3 - 1);
  const double beta_min = high - slope / 2;
  const std::vector<double> levels = noise_levels({.name = "vp-uniform", .steps = 11});
  ASSERT_EQ(levels.size(), 12u);
  EXPECT_EQ(levels[0], 80);
  EXPECT_EQ(levels[10], 0.002);
  for (std::size_t i = 0; i < 11; ++i) {
    const double t = 1 + static_cast<double>(i) / 10 * (1e-3 - 1);
    const double expected = std::sqrt(std::expm1(slope * t * t / 2 + beta_min * t));
    // beta_min and slope carry a few roundings of terms near 10; the exponent does, and at t = 1e-3 it is 4e-6.
    EXPECT_NEAR(levels[i], expected, 1e-13 * (expected + 1 / expected)) << i;
  }
}

TEST(Schedule, TimeSpacedOnesTakeAnyEnds) {
  for (const char* name : {"vp-uniform", "cosine"}) {
    for (const double sigma_max : {0.5, 1.0, 3.0, 20.0, 157.0, 1e4}) {
      const std::vector<double> levels =
          noise_levels({.name = name, .steps = 7, .sigma_max = sigma_max, .end_at_zero = false});
      EXPECT_EQ(levels.front(), sigma_max);
      EXPECT_EQ(levels.back(), 0.002);
    }
  }
}

TEST(Schedule, CosineIsEquallySpacedInTheAngle) {
  const std::vector<double> levels =
      noise_levels({.name = "cosine", .steps = 9, .sigma_min = 0.05, .end_at_zero = false});
  ASSERT_EQ(levels.size(), 9u);
  // cos(theta) = cos(theta_0)/sqrt(1 + sigma^2), theta affine in t (Nichol and Dhariwal 2021, eq. 17).
  const auto angle = [](double sigma) {
    return std::acos(std::cos(std::acos(-1.0) / 2 * 0.008 / 1.008) / std::hypot(1, sigma));
  };
  const double spacing = (angle(80) - angle(0.05)) / 8;
  // acos of a cosine near 1 loses the square root of its rounding at worst: here 1e-16/0.05.
  for (std::size_t i = 1; i < 9; ++i) EXPECT_NEAR(angle(levels[i - 1]) - angle(levels[i]), spacing, 1e-13) << i;
}

TEST(Schedule, TablesGiveTheirEntries) {
  struct Table {
    const char* name;
    double beta_min;
    double beta_max;
    bool roots;
  };
  for (const Table& table : {Table{"ddpm", 1e-4, 0.02, false}, Table{"ldm", 0.00085, 0.012, true}}) {
    std::vector<double> entries;
    double alpha_bar = 1;
    for (int k = 0; k < 1000; ++k) {
      const double u = k / 999.0;
      const double root = std::sqrt(table.beta_min) + u * (std::sqrt(table.beta_max) - std::sqrt(table.beta_min));
      alpha_bar *= 1 - (table.roots ? root * root : table.beta_min + u * (table.beta_max - table.beta_min));
      entries.push_back(std::sqrt((1 - alpha_bar) / alpha_bar));
    }
    const auto levels = [&](int steps, double low, double high) {
      return noise_levels(
          {.name = table.name, .steps = steps, .sigma_min = low, .sigma_max = high, .end_at_zero = false});
    };
    // A thousand roundings of alpha_bar, and 1 - alpha_bar cancels to the first beta.
    const auto expect_near = [&](double level, double entry) {
      EXPECT_NEAR(level, entry, entry * 1000 * 1.2e-16 / table.beta_min);
    };
    const std::vector<double> all = levels(1000, 0.002, 200);
    for (std::size_t k = 0; k < 1000; ++k) expect_near(all[k], entries[999 - k]);
    const std::vector<double> few = levels(4, 0.002, 200);
    for (const std::size_t i : {0, 1, 2, 3}) expect_near(few[i], entries[999 - 333 * i]);
    // The outermost entries within the range, also when they are its ends.
    const std::vector<double> inner = levels(3, all[989], all[9]);
    EXPECT_EQ(inner.front(), all[9]);
    EXPECT_EQ(inner.back(), all[989]);
    expect_near(levels(2, entries[10] * 0.999, entries[990] * 1.001).front(), entries[990]);
    EXPECT_THROW(levels(1001, 0.002, 200), Error);
    EXPECT_THROW(levels(2, 1e-5, 1e-4), Error);
    EXPECT_THROW(levels(2, 1e4, 1e5), Error);
  }
}

TEST(Schedule, ListsEveryNameOnce) {
  std::vector<std::string> names;
  for (const ScheduleEntry& entry : schedules()) {
    EXPECT_NE(entry.summary, "");
    names.emplace_back(entry.name);
    names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
  }
  EXPECT_EQ(names, schedule_names());
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
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

#include "scorefield/experiment/claims.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/named.h"
#include "scorefield/experiment/reproduce.h"
#include "scorefield/experiment/terminal_law.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

TEST(Claims, EveryOneSaysWhatItIs) {
  std::set<std::string_view> names;
  for (const Claim& claim : claims()) {
    EXPECT_TRUE(names.insert(claim.name).second) << claim.name;
    EXPECT_FALSE(claim.statement.empty() || claim.source.empty() || claim.method.empty()) << claim.name;
    EXPECT_EQ(find_claim(claim.name).measure, claim.measure);
  }
  try {
    find_claim("bridge-stop");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "unknown claim 'bridge-stop'; did you mean 'bridge-step'?");
  }
}

TEST(Claims, TheExactOnesHold) {
  for (const char* name : {"bridge-step", "drift-forms", "finite-differences", "parametrisations"}) {
    const Findings findings = find_claim(name).measure({});
    for (const Check& check : findings.checks) EXPECT_TRUE(check.holds()) << name << ": " << check.what;
    EXPECT_EQ(verdict_of(findings), Verdict::kPass) << name;
  }
}

// `scorefield reproduce --all` is the test of the sampled ones; this holds them, and all, in ./test --full.
TEST(Claims, EveryOneHolds) {
  if (std::getenv("SCOREFIELD_LONG_TESTS") == nullptr) GTEST_SKIP() << "SCOREFIELD_LONG_TESTS=1 runs it";
  ThreadPool pool(2);
  for (const Claim& claim : claims()) {
    const Findings findings = claim.measure({.pool = &pool});
    for (const Check& check : findings.checks) EXPECT_TRUE(check.holds()) << claim.name << ": " << check.what;
    EXPECT_NE(verdict_of(findings), Verdict::kFail) << claim.name;
  }
}

// "Not testable here" is for a data set that is not installed, not for one that cannot be read.
TEST(Claims, ADataSetThatCannotBeReadIsAnError) {
  const Claim& claim = find_claim("memorisation-fashion-mnist");
  if (const std::string missing = missing_files("fashion-mnist"); !missing.empty()) {
    EXPECT_EQ(claim.measure({}).missing, missing);
  } else {
    EXPECT_THROW(claim.measure({.memory_limit = 1}), Error);
  }
}

// Claims about networks hold where there are networks, and say what is missing where there are none.
TEST(Claims, TheGradientsOfParametrisationsAreOne) {
  const Findings findings = find_claim("parametrisation-gradients").measure({});
  EXPECT_EQ(findings.missing, why_no_networks());
  EXPECT_EQ(verdict_of(findings), findings.missing.empty() ? Verdict::kPass : Verdict::kNotTestable);
}

TEST(Verdict, FailsOnOneCheckOnNoneAndOnNan) {
  const Check good{"a", 1.0, 0, 1.1, 0.2, ""};
  const Check off{"b", 1.0, 0, 1.3, 0.2, ""};
  const Check broken{"c", std::nan(""), 0, 1.0, 1e9, ""};
  Findings findings;
  EXPECT_EQ(verdict_of(findings), Verdict::kFail);
  findings.checks = {good};
  EXPECT_EQ(verdict_of(findings), Verdict::kPass);
  findings.checks = {good, off};
  EXPECT_EQ(verdict_of(findings), Verdict::kFail);
  findings.checks = {good, broken};
  EXPECT_EQ(verdict_of(findings), Verdict::kFail);
  findings.missing = "no data set";
  EXPECT_EQ(verdict_of(findings), Verdict::kNotTestable);
}

TEST(TerminalLaw, HasTheValuesOfAnIndependentProgram) {
  const std::vector<double> points = {-2, -0.5, 0.3, 3};
  const std::vector<std::pair<double, std::vector<double>>> known = {{0.25, {0.1765, 0.3225, 0.3940, 0.1069}},
                                                                     {0.5, {0.2250, 0.2976, 0.3138, 0.1636}},
                                                                     {1, {0.2540, 0.2625, 0.2610, 0.2225}}};
  for (const auto& [start, expected] : known) {
    const std::vector<double> weights = terminal_weights(points, start);
    double sum = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      EXPECT_NEAR(weights[i], expected[i], 1e-4) << start;  // printed with four digits
      sum += weights[i];
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
  // Two points at +-a are alike at any time; and from N(0, 1) at a late time every point is.
  EXPECT_NEAR(terminal_weights(std::vector<double>{-1.3, 1.3}, 0.01)[0], 0.5, 1e-12);
  EXPECT_NEAR(terminal_weights(points, 15)[3], 0.25, 1e-6);
}

}  // namespace
}  // namespace scorefield

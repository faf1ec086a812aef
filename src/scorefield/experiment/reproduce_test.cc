#include "scorefield/experiment/reproduce.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

Findings some_findings(const Context& /*context*/) {
  Findings findings;
  findings.checks = {{"a mean", 1.02, 0.01, 1.0, 0.03, "three standard errors"},
                     {"a difference", 2e-3, 0, 0, 1e-3, "rounding"}};
  findings.tables = {{"Numbers", {"x", "y"}, {{1, 2}, {3, 4}}}};
  Series series;
  series.x = {1, 2};
  series.y = {3, 4};
  Figure figure;
  figure.panels.resize(1);
  figure.panels[0].series = {series};
  findings.figures = {{"picture", figure}};
  return findings;
}

Findings nothing_found(const Context& /*context*/) {
  Findings findings;
  findings.missing = "the data set is not installed; install it";
  return findings;
}

Findings stopped_by_an_error(const Context& /*context*/) {
  throw Error("a file is damaged");
}

Findings stopped_by_the_caller(const Context& /*context*/) {
  throw Cancelled();
}

class Reproduce : public testing::Test {
 protected:
  TestFolder folder_;
  Claim claim_ = {"a-claim", "Something holds.", "Somebody 2025, eq. 1", "Measured twice.", some_findings};
};

TEST_F(Reproduce, WritesWhatWasMeasured) {
  const ClaimResult result = reproduce(claim_, folder_, {});
  EXPECT_EQ(result.verdict, Verdict::kFail);
  const nlohmann::json json = read_json(folder_ / "a-claim.json", {});
  EXPECT_EQ(json["verdict"], "fail");
  EXPECT_EQ(json["source"], "Somebody 2025, eq. 1");
  EXPECT_EQ(json["checks"].size(), 2u);
  EXPECT_EQ(json["checks"][0]["measured"], 1.02);
  EXPECT_EQ(json["checks"][0]["standard_error"], 0.01);
  EXPECT_TRUE(json["checks"][0]["holds"]);
  EXPECT_FALSE(json["checks"][1]["holds"]);
  EXPECT_EQ(json["tables"][0]["rows"][1][0], 3);
  EXPECT_EQ(json["figures"][0], "picture");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "picture.png"));
}

TEST_F(Reproduce, AnErrorIsAFailureWithItsText) {
  claim_.measure = stopped_by_an_error;
  const ClaimResult result = reproduce(claim_, folder_, {});
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_TRUE(any_failed({result}));
  EXPECT_NE(result_text(result).find("  Error: a file is damaged\n"), std::string::npos);
  EXPECT_EQ(read_json(folder_ / "a-claim.json", {})["error"], "a file is damaged");
  claim_.measure = stopped_by_the_caller;
  EXPECT_THROW(reproduce(claim_, folder_, {}), Cancelled);
}

TEST_F(Reproduce, TellsVerdictsInWords) {
  claim_.measure = nothing_found;
  const ClaimResult absent = reproduce(claim_, folder_, {});
  EXPECT_NE(result_text(absent).find("a-claim: not testable here"), std::string::npos);
  EXPECT_NE(result_text(absent).find("install it"), std::string::npos);
  claim_.measure = some_findings;
  const ClaimResult failed = reproduce(claim_, folder_, {});
  EXPECT_NE(result_text(failed).find("OFF  a difference"), std::string::npos);
  EXPECT_NE(summary_text({failed}).find("1 of   2 checks hold"), std::string::npos);
  EXPECT_FALSE(any_failed({absent}));
  EXPECT_TRUE(any_failed({absent, failed}));
  write_results({absent, failed}, folder_);
  const nlohmann::json json = read_json(folder_ / "claims.json", {});
  EXPECT_EQ(json[0]["verdict"], "not testable here");
  EXPECT_EQ(json[1]["checks_that_hold"], 1);
  EXPECT_NE(read_text(folder_ / "claims.txt", {}).find("Measured twice."), std::string::npos);
}

}  // namespace
}  // namespace scorefield

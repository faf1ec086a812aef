// scorefield reproduce, as typed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/command.h"

namespace scorefield {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class ReproduceCommand : public testing::Test {
 protected:
  CommandResult run(const std::string& arguments) const { return run_command("reproduce " + arguments, folder_); }

  TestFolder folder_;
};

TEST_F(ReproduceCommand, ListsTheClaims) {
  const CommandResult result = run("--list");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("bridge-step\n"));
  EXPECT_THAT(result.out, HasSubstr("weak-order\n"));
  const auto list = nlohmann::json::parse(run("--list --json").out);
  EXPECT_GE(list.size(), 6u);
  EXPECT_THAT(list[0]["source"].get<std::string>(), HasSubstr("2501.17054"));
}

TEST_F(ReproduceCommand, MeasuresTheClaimsThatAreNamed) {
  const CommandResult result = run("bridge-step drift-forms bridge-step --out results");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("bridge-step: pass"));
  EXPECT_THAT(result.out, HasSubstr("2 of   2 checks hold"));
  EXPECT_THAT(result.out, EndsWith("results\n"));
  const auto verdicts = nlohmann::json::parse(file_text(folder_ / "results/claims.json"));
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[1]["name"], "drift-forms");
  EXPECT_EQ(verdicts[1]["verdict"], "pass");
  EXPECT_TRUE(nlohmann::json::parse(file_text(folder_ / "results/bridge-step.json"))["checks"][0]["holds"]);

  const CommandResult again = run("bridge-step --out results");
  EXPECT_EQ(again.status, 2);
  EXPECT_THAT(again.err, HasSubstr("give another --out"));
}

TEST_F(ReproduceCommand, NumbersDoNotDependOnThreads) {
  ASSERT_EQ(run("drift-forms --out one --threads 1").status, 0);
  ASSERT_EQ(run("drift-forms --out three --threads 3").status, 0);
  EXPECT_EQ(file_text(folder_ / "one/drift-forms.json"), file_text(folder_ / "three/drift-forms.json"));
}

TEST_F(ReproduceCommand, KeepsWhatIsFinishedAtCtrlC) {
  // bridge-step takes milliseconds, the sampled claims seconds.
  const CommandResult stopped = run_shell(
      "\"$SCOREFIELD\" reproduce bridge-step weak-order memorisation --threads 1 --out results & pid=$!; "
      "until [ -f results/bridge-step.json ]; do sleep 0.05; done; kill -INT $pid; wait $pid",
      folder_);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.out, HasSubstr("bridge-step: pass"));
  EXPECT_THAT(stopped.err, HasSubstr("scorefield reproduce weak-order memorisation\n"));
  const auto verdicts = nlohmann::json::parse(file_text(folder_ / "results/claims.json"));
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0]["name"], "bridge-step");
  EXPECT_THAT(file_text(folder_ / "results/claims.txt"), HasSubstr("bridge-step: pass"));
}

TEST_F(ReproduceCommand, AnErrorInOneClaimDoesNotEndTheOthers) {
  const CommandResult result =
      run("memorisation-fashion-mnist bridge-step --memory-limit 1000 --out results --threads 1");
  const auto verdicts = nlohmann::json::parse(file_text(folder_ / "results/claims.json"));
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[1]["verdict"], "pass");
  if (verdicts[0]["verdict"] == "not testable here") GTEST_SKIP() << "needs the package dataset-fashion-mnist";
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(verdicts[0]["verdict"], "fail");
  EXPECT_THAT(result.out, HasSubstr("memory"));
}

TEST_F(ReproduceCommand, SaysWhatIsWrong) {
  const CommandResult none = run("");
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.err, HasSubstr("--list shows them"));
  const CommandResult unknown = run("bridge-stap");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'bridge-step'?"));
  EXPECT_EQ(run("bridge-step --memory-limit much").status, 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
  EXPECT_EQ(run("--all bridge-step").status, 2);
}

}  // namespace
}  // namespace scorefield

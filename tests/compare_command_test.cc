// scorefield compare, as a user runs it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "scorefield/learn/library.h"
#include "tests/command.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

class CompareCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = why_no_networks(); !missing.empty()) GTEST_SKIP() << missing;
  }
  CommandResult train(const std::string& flags) const {
    return run_command("train --width 8 --layers 1 --batch 16 " + flags, folder_);
  }
  TestFolder folder_;
};

TEST_F(CompareCommand, HoldsATrainedModelAgainstItsData) {
  ASSERT_EQ(train("--data ring:n=50 --steps 20 --out run").status, 0);
  const std::string command =
      "compare --data ring:n=50 --model run/model.safetensors --seeds 0-15 --solver euler --steps 6 --sigma-max 20 ";
  const CommandResult text = run_command(command + "--out a", folder_);
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("run/model.safetensors against the exact field of ring"));
  EXPECT_THAT(text.out, HasSubstr("furthest from the exact field on its trajectory"));
  for (const char* file : {"a/noised.png", "a/trajectories.svg", "a/trajectories.csv", "a/config.json"}) {
    EXPECT_TRUE(std::filesystem::exists(folder_ / file)) << file;
  }
  const CommandResult machine = run_command(command + "--json", folder_);
  const auto json = nlohmann::json::parse(machine.out);
  EXPECT_EQ(json, nlohmann::json::parse(file_text(folder_ / "a/deviation.json")));
  ASSERT_EQ(json["noised"].size(), 6u);
  ASSERT_EQ(json["trajectories"]["levels"].size(), 6u);
  const auto& first = json["trajectories"]["levels"][0];
  EXPECT_EQ(first["sigma"], 20);
  EXPECT_EQ(first["states"]["value"], 0);  // both from the same noise
  EXPECT_EQ(first["on_model"], first["on_exact"]);
  const double apart = json["noised"][0]["apart"]["value"];
  const double off = json["noised"][0]["model_error"]["value"];
  const double exact = json["noised"][0]["exact_error"]["value"];
  EXPECT_LE(off, apart + exact);  // the triangle of D, D* and x_0
  EXPECT_EQ(run_command(command + "--json --threads 1", folder_).out, machine.out);
  EXPECT_EQ(run_command("compare --config a/config.json --json", folder_).out, machine.out);
}

TEST_F(CompareCommand, SaysWhatIsWrong) {
  ASSERT_EQ(train("--data ring:n=50 --steps 2 --out run").status, 0);
  const auto error = [&](const std::string& flags) {
    const CommandResult result = run_command("compare " + flags, folder_);
    EXPECT_EQ(result.status, 2) << flags;
    EXPECT_EQ(result.out, "") << flags;
    return result.err;
  };
  EXPECT_THAT(error("--data ring:n=50"), HasSubstr("--model"));
  EXPECT_THAT(error("--data mixture:d=3,rank=1,n=20 --model run/model.safetensors"), HasSubstr("shape"));
  EXPECT_THAT(error("--data ring:n=50 --model none.safetensors"), HasSubstr("none.safetensors"));
  EXPECT_THAT(error("--data ring:n=50 --model run/model.safetensors --seeds 3"), HasSubstr("at least two"));
  EXPECT_THAT(error("--data ring:n=50 --model run/model.safetensors --class 2"), HasSubstr("class"));
  EXPECT_THAT(error("--data ring:n=50 --model run/model.safetensors --solver euclid"), HasSubstr("euler"));
}

}  // namespace
}  // namespace scorefield

// The whole schedule command: what it prints, what it writes, how it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/command.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kSmall =
    "schedule --data ring:n=60,radius=1,sd=0.05 --sigma-max 20 --sigma-min 0.01 --warmup 24 --seeds 0-31 "
    "--grid 25 --reference-steps 40 ";

TEST(ScheduleCommand, FindsSchedulesThatSampleTakes) {
  const TestFolder folder;
  const CommandResult result = run_command(std::string(kSmall) + "--solver euler --nfe 4-6 --out run", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "") << "no progress where there is no terminal";
  EXPECT_EQ(result.out.substr(result.out.size() - 4), "run\n");
  for (const char* part : {"--t_steps=\"[20, ", "sigmas=[20, ", "--sigmas 20,", "vp-uniform", "NFE", "steps"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
  const auto json = nlohmann::json::parse(file_text(folder / "run/schedules.json"));
  ASSERT_EQ(json["budgets"].size(), 3U);
  for (const auto& budget : json["budgets"]) {
    const int nfe = budget["nfe"];
    // To 0: as many levels above 0 as steps, and the last 0.
    EXPECT_EQ(budget["steps"], nfe);
    EXPECT_EQ(budget["levels_above_zero"], nfe);
    for (const auto& trial : {budget["gits"], budget["own_error"], budget["fixed"][2]}) {
      const std::vector<double> sigmas = trial["sigmas"];
      ASSERT_EQ(sigmas.size(), static_cast<std::size_t>(nfe) + 1);
      EXPECT_EQ(sigmas.front(), 20);
      EXPECT_EQ(sigmas.back(), 0);
    }
    // At the best of the fixed, or better.
    double best = 1e9;
    for (const auto& fixed : budget["fixed"]) best = std::min<double>(best, fixed["held_out_error"]["value"]);
    const auto& returned = budget["returned_is_fixed"].get<bool>() ? budget["fixed"] : budget["own_error"];
    EXPECT_LE(returned.is_array() ? best : returned["held_out_error"]["value"].get<double>(), best);
  }
  for (const char* name : {"costs.png", "costs.npz", "errors.svg", "levels.csv", "schedules.txt", "config.json"}) {
    EXPECT_TRUE(fs::exists(folder / "run" / name)) << name;
  }
  const CommandResult sampled = run_shell(
      "\"$SCOREFIELD\" sample --data ring:n=60,radius=1,sd=0.05 --solver euler --seeds 0-3 --out sampled "
      "--sigmas $(cat run/sigmas-5.txt) --json",
      folder);
  ASSERT_EQ(sampled.status, 0) << sampled.err;
  const auto config = nlohmann::json::parse(file_text(folder / "sampled/config.json"));
  EXPECT_EQ(config["levels"].size(), 6U);
}

TEST(ScheduleCommand, RepeatsBitForBitFromItsConfig) {
  const TestFolder folder;
  const std::string flags = "--solver ipndm3 --nfe 5 --end sigma-min --law ";
  ASSERT_EQ(run_command(std::string(kSmall) + flags + "--threads 1 --out first", folder).status, 0);
  ASSERT_EQ(run_command("schedule --config first/config.json --threads 2 --batch 9 --out second", folder).status, 0);
  for (const char* name : {"schedules.json", "costs.csv", "errors.png", "costs.npz"}) {
    EXPECT_EQ(file_text(folder / "first" / name), file_text(folder / "second" / name)) << name;
  }
}

TEST(ScheduleCommand, PrintsJsonAndSaysWhatItLeftOut) {
  const TestFolder folder;
  const CommandResult result = run_command(std::string(kSmall) + "--solver heun --nfe 4-5 --json --out run", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("left out: no schedule makes heun of 4 evaluations"));
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json, nlohmann::json::parse(file_text(folder / "run/schedules.json")));
  ASSERT_EQ(json["budgets"].size(), 1U);
  EXPECT_EQ(json["budgets"][0]["steps"], 3);
}

TEST(ScheduleCommand, RefusesWithOneLineAndLeavesNothing) {
  const TestFolder folder;
  for (const auto& [arguments, expected] : std::vector<std::pair<std::string, std::string>>{
           {"--solver eulr", "'euler'"},
           {"--solver posterior", "adds noise"},
           {"--teacher posterior", "--teacher"},
           {"--solver ipndm4 --nfe 3", "take at least 4"},
           {"--nfe 0", "0"},
           {"--nfe 4-", "--nfe"},
           {"--nfe 2000", "at most 1000"},
           {"--nfe 30", "finer --grid"},
           {"--metric l7", "cost metric"},
           {"--coefficient 0", "--coefficient"},
           {"--seeds 4294967297,4294967298", "hold out others"},
           {"--seeds 1", "standard error"},
           {"--sigma-min 30", "--sigma-min"},
           {"--data checkerboard --law", "squares"},
           {"--data missing.npz --law", "missing.npz"},
       }) {
    const CommandResult result = run_command(std::string(kSmall) + arguments, folder);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_THAT(result.err, HasSubstr(expected)) << arguments;
    EXPECT_FALSE(fs::exists(folder / "runs")) << arguments;
  }
}

TEST(ScheduleCommand, StopsAtCtrlCAndSaysHowToStartAgain) {
  const TestFolder folder;
  const CommandResult stopped = run_shell(
      "timeout --preserve-status -s INT 1.5 \"$SCOREFIELD\" schedule --data mixture --law --warmup 4000 --out run",
      folder);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("scorefield schedule --config run/config.json --out run"));
}

}  // namespace
}  // namespace scorefield

// scorefield solvers --data, as a user runs it.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/command.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const char* const kSmall =
    "solvers --data mixture:n=300,d=6,rank=2 --sigma-max 20 --seeds 0-15 --projections 32 --solvers "
    "euler,heun,ab2,posterior "
    "--schedules polynomial,logsnr ";

/// What a run found, but for its times.
nlohmann::json without_times(const fs::path& path) {
  auto report = nlohmann::json::parse(file_text(path));
  report["reference"].erase("seconds");
  for (auto& result : report["results"]) result.erase("seconds");
  return report;
}

TEST(SolversCommand, ComparesSolversOnTheSameNoise) {
  const TestFolder folder;
  const auto result = run_command(std::string(kSmall) + "--nfe 4,9 --out run", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(result.out.ends_with("run\n")) << result.out;
  EXPECT_THAT(result.out, HasSubstr("reference: rk45 in double precision"));
  EXPECT_THAT(result.out, HasSubstr("runs that no other one beats"));
  const auto report = nlohmann::json::parse(file_text(folder / "run/report.json"));
  // Heun makes 3 of 4 evaluations; the others all of them.
  ASSERT_EQ(report["results"].size(), 16U);
  for (const auto& run : report["results"]) {
    EXPECT_EQ(run["nfe"], run["solver"] == "heun" ? (run["steps"] == 2 ? 3 : 9) : (run["steps"] == 4 ? 4 : 9));
    EXPECT_EQ(run["end_point_error"].is_null(), run["solver"] == "posterior") << "its noise takes it elsewhere";
    EXPECT_GT(run["sliced_wasserstein"]["value"], 0);
  }
  EXPECT_EQ(report["sliced_wasserstein"]["rows"], 300);
  EXPECT_GT(report["sliced_wasserstein"]["data_against_data"]["value"], 0);
  EXPECT_LT(report["reference"]["median_difference"], 0.1);
  for (const char* name : {"error", "other_row", "sliced_wasserstein", "front"}) {
    for (const char* ending : {".png", ".svg", ".csv"})
      EXPECT_TRUE(fs::exists(folder / "run" / (std::string(name) + ending)));
  }
  std::istringstream csv(file_text(folder / "run/solvers.csv"));
  std::string line;
  int lines = 0;
  while (std::getline(csv, line)) {
    EXPECT_EQ(std::ranges::count(line, ','), 15) << line;
    ++lines;
  }
  EXPECT_EQ(lines, 17);
  EXPECT_THAT(run_command("solvers --resume run", folder).out, HasSubstr("complete already"));
}

TEST(SolversCommand, ResultsDoNotDependOnBatchOrThreads) {
  const TestFolder folder;
  ASSERT_EQ(run_command(std::string(kSmall) + "--nfe 5 --batch 64 --threads 2 --out a", folder).status, 0);
  const auto json = run_command(std::string(kSmall) + "--nfe 5 --batch 3 --threads 1 --out b --json", folder);
  ASSERT_EQ(json.status, 0) << json.err;
  EXPECT_EQ(without_times(folder / "a/report.json"), without_times(folder / "b/report.json"));
  EXPECT_EQ(nlohmann::json::parse(json.out), nlohmann::json::parse(file_text(folder / "b/report.json")));
}

TEST(SolversCommand, AnInterruptedComparisonGoesOnToTheSameResult) {
  const TestFolder folder;
  const std::string common = std::string(kSmall) + "--nfe 4-40 ";
  ASSERT_EQ(run_command(common + "--out whole", folder).status, 0);
  const auto stopped = run_shell("\"$SCOREFIELD\" " + common +
                                     "--out part & pid=$!; "
                                     "until [ -s part/stats.jsonl ]; do sleep 0.01; kill -0 $pid || exit 9; done; "
                                     "kill -INT $pid; wait $pid",
                                 folder);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("go on with: scorefield solvers --resume part"));
  EXPECT_TRUE(fs::exists(folder / "part/solvers.csv"));
  const auto again = run_command("solvers --resume part", folder);
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(without_times(folder / "whole/report.json"), without_times(folder / "part/report.json"));
}

TEST(SolversCommand, ARangeTakesItsEndsAndSomeBetween) {
  const TestFolder folder;
  ASSERT_EQ(run_command("solvers --data ring:n=50 --sigma-max 20 --seeds 0-3 --solvers euler --schedules logsnr "
                        "--nfe 3-11,30 --out run",
                        folder)
                .status,
            0);
  const auto report = nlohmann::json::parse(file_text(folder / "run/report.json"));
  std::vector<int> nfe;
  for (const auto& run : report["results"]) nfe.push_back(run["nfe"]);
  EXPECT_EQ(nfe, (std::vector<int>{3, 4, 5, 6, 8, 10, 11, 30}));
}

TEST(SolversCommand, RefusesWithTheReason) {
  const TestFolder folder;
  const auto refuses = [&](const std::string& flags, const std::string& reason) {
    const auto result = run_command("solvers " + flags + " --out refused", folder);
    EXPECT_EQ(result.status, 2) << flags;
    EXPECT_THAT(result.err, HasSubstr(reason)) << flags;
    EXPECT_FALSE(fs::exists(folder / "refused")) << flags;
  };
  refuses("--data ring --solvers huen", "heun");
  refuses("--data ring --schedules logsrn", "logsnr");
  refuses("--data ring --solvers rk45", "chooses its own steps");
  refuses("--data ring --solvers rk4 --nfe 4", "rk4 needs at least 5 evaluations (2 steps)");
  refuses("--data ring --nfe 0-4", "between 1 and");
  refuses("--data ring --nfe 4,,8", "nothing stands between two commas");
  refuses("--data ring --sigma-min 90", "--sigma-min 90 must be below --sigma-max 80");
  refuses("--data ring --reference-tolerance 2", "--reference-tolerance 2");
  refuses("--nfe 4-40", "say on which data");
}

}  // namespace
}  // namespace scorefield

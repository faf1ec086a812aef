// scorefield guidance, as a user runs it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/command.h"

namespace scorefield {
namespace {

constexpr const char* kMixture = "mixture:n=300,d=2,modes=6,classes=2,rank=2,noise=0.2";

TEST(GuidanceCommand, SweepsScalesOfALawAndOfRows) {
  const TestFolder folder;
  const std::string common =
      std::string("guidance --class 1 --scales 0,1,3 --steps 12 --seeds 0-199 --data ") + kMixture;
  const auto law = run_command(common + " --law --cells 8 --out law", folder);
  ASSERT_EQ(law.status, 0) << law.err;
  EXPECT_NE(law.out.find("TV to p p(y|x)^g"), std::string::npos) << law.out;
  const auto report = nlohmann::json::parse(file_text(folder / "law/report.json"));
  ASSERT_EQ(report["scales"].size(), 3u);
  EXPECT_EQ(report["class"]["modes"], 3);
  EXPECT_GT(report["scales"][2]["pure"]["value"], report["scales"][0]["pure"]["value"]);
  EXPECT_TRUE(report["scales"][0]["tilted_variation"]["value"].is_number());
  for (const char* name : {"samples.npz", "curves.png", "samples.png", "config.json"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / (std::string("law/") + name))) << name;
  }
  // The same numbers for any batch and threads, and by --config.
  ASSERT_EQ(run_command("guidance --config law/config.json --batch 7 --threads 1 --out again", folder).status, 0);
  EXPECT_EQ(file_text(folder / "law/samples.npz"), file_text(folder / "again/samples.npz"));
  EXPECT_EQ(file_text(folder / "law/report.json"), file_text(folder / "again/report.json"));

  const auto rows = run_command(common + " --out rows --json", folder);
  ASSERT_EQ(rows.status, 0) << rows.err;
  const auto of_rows = nlohmann::json::parse(rows.out);
  EXPECT_TRUE(of_rows["scales"][1]["tilted_variation"].is_null());
  EXPECT_EQ(of_rows["scales"][1]["pure"]["value"], 1.0);
}

TEST(GuidanceCommand, ItsScalesAreThoseOfSample) {
  const TestFolder folder;
  const std::string common = std::string(" --class 1 --guide-class 0 --seeds 0-3 --steps 12 --data ") + kMixture;
  ASSERT_EQ(run_command("guidance --scales 2.5" + common + " --out sweep", folder).status, 0);
  ASSERT_EQ(run_command("sample --guidance 2.5 --dtype f64" + common + " --out samples", folder).status, 0);
  // The values of one array of 4 x 2 numbers lie in both files.
  const std::string sweep = file_text(folder / "sweep/samples.npz");
  const std::string samples = file_text(folder / "samples/samples.npz");
  constexpr std::size_t kBytes = 4 * 2 * sizeof(double);
  const std::size_t header = samples.find("'<f8'");
  ASSERT_NE(header, std::string::npos);
  const std::size_t values = samples.find('\n', header) + 1;
  EXPECT_NE(sweep.find(samples.substr(values, kBytes)), std::string::npos);
}

TEST(GuidanceCommand, RefusesWhatCannotBeMeant) {
  const TestFolder folder;
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const auto result = run_command("guidance " + arguments, folder);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_NE(result.err.find(why), std::string::npos) << arguments << ": " << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << arguments;
  };
  refused("--data ring", "--class");
  refused("--data ring --class 1 --scales 2,1", "ascending");
  refused("--data ring --class 1 --scales 1,inf", "inf");
  refused("--data ring --class 1 --guide-class 1", "nothing to go away from");
  refused("--data ring --class 1 --seeds 5", "at least 2");
  refused("--data swirl --class 1", "no labels");
  refused("--data two-modes:sd=0 --class 1 --law", "no density");
}

}  // namespace
}  // namespace scorefield

// scorefield sample, as a user runs it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "scorefield/data/npy.h"
#include "tests/command.h"

namespace scorefield {
namespace {

constexpr const char* kArrays[] = {"samples.npz", "posterior.npz", "nearest.npz", "stats.jsonl", "report.json"};

TEST(SampleCommand, EverySampleOfTheExactReverseProcessIsATrainingRow) {
  const TestFolder folder;
  const auto result = run_command("sample --data ring:n=200 --sigma-max 20 --seeds 0-31 --out run --dtype f64", folder);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("verdict: 32 of 32 samples are copies"), std::string::npos) << result.out;
  const auto report = nlohmann::json::parse(file_text(folder / "run/report.json"));
  EXPECT_EQ(report["copies"]["count"], 32);
  EXPECT_EQ(report["nfe"], 35);
  EXPECT_TRUE(std::filesystem::exists(folder / "run/samples.png"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run/partial"));
  EXPECT_TRUE(result.out.ends_with("run\n")) << result.out;
}

TEST(SampleCommand, ResultsDoNotDependOnBatchOrThreads) {
  const TestFolder folder;
  // Few rows or few dimensions take the precise path; the mixture takes the fast one.
  for (const char* set : {"ring:n=200 --solver heun", "ring:n=200 --solver posterior", "mixture:n=600,d=40"}) {
    const std::string common = std::string("sample --sigma-max 20 --seeds 0-20 --data ") + set;
    EXPECT_EQ(run_command(common + " --batch 64 --threads 2 --out a", folder).status, 0);
    EXPECT_EQ(run_command(common + " --batch 4 --threads 1 --out b", folder).status, 0);
    for (const char* name : kArrays) {
      EXPECT_EQ(file_text(folder / (std::string("a/") + name)), file_text(folder / (std::string("b/") + name))) << name;
    }
    std::filesystem::remove_all(folder / "a");
    std::filesystem::remove_all(folder / "b");
  }
}

TEST(SampleCommand, ConfigRepeatsARunAndFlagsOverrideIt) {
  const TestFolder folder;
  ASSERT_EQ(run_command("sample --data ring:n=100 --sigma-max 30 --seeds 3,5 --steps 7 --out a", folder).status, 0);
  ASSERT_EQ(run_command("sample --config a/config.json --out b", folder).status, 0);
  for (const char* name : kArrays) {
    EXPECT_EQ(file_text(folder / (std::string("a/") + name)), file_text(folder / (std::string("b/") + name))) << name;
  }
  ASSERT_EQ(run_command("sample --config a/config.json --steps 9 --out c", folder).status, 0);
  const auto config = nlohmann::json::parse(file_text(folder / "c/config.json"));
  EXPECT_EQ(config["options"]["steps"], 9);
  EXPECT_EQ(config["options"]["sigma-max"], 30);
}

TEST(SampleCommand, AnInterruptedRunGoesOnToTheSameResult) {
  const TestFolder folder;
  const std::string common = "sample --data ring:n=100 --sigma-max 20 --seeds 0-999 --batch 10 --steps 18";
  ASSERT_EQ(run_command(common + " --out whole", folder).status, 0);
  // Ctrl-C as soon as some samples are finished.
  const auto stopped =
      run_shell("\"$SCOREFIELD\" " + common +
                    " --out part & pid=$!; "
                    "until [ -s part/partial/samples.f64 ]; do sleep 0.01; kill -0 $pid || exit 9; done; "
                    "kill -INT $pid; wait $pid",
                folder);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "part/samples.npz"));
  const auto again = run_command("sample --resume part", folder);
  ASSERT_EQ(again.status, 0) << again.err;
  for (const char* name : kArrays) {
    EXPECT_EQ(file_text(folder / (std::string("whole/") + name)), file_text(folder / (std::string("part/") + name)))
        << name;
  }
  EXPECT_NE(run_command("sample --resume part", folder).out.find("complete already"), std::string::npos);
}

TEST(SampleCommand, SamplesOneRowAndLatents) {
  const TestFolder folder;
  std::ofstream(folder / "one.txt") << "1 2 3\n";
  const auto one = run_command("sample --data one.txt --seeds 0-3 --out one", folder);
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_NE(one.out.find("4 of 4 samples are copies"), std::string::npos) << one.out;
  EXPECT_NE(one.out.find("not measured"), std::string::npos) << one.out;
  // Four channels are an image, but no picture.
  std::vector<float> values(6 * 4 * 2 * 2);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * i % 97) / 10.0F;
  write_npy<float>(folder / "latents.npy", std::vector<std::size_t>{6, 4, 2, 2}, values);
  const auto latents = run_command("sample --data latents.npy --sigma-max 200 --seeds 0-3 --out latents", folder);
  EXPECT_EQ(latents.status, 0) << latents.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "latents/grid.png"));
}

TEST(SampleCommand, TheStartIsJudgedByTheRowsOfTheLabel) {
  const TestFolder folder;
  std::ofstream(folder / "far.csv") << "x,y,label\n0,0,0\n0,1,0\n1000,1000,1\n";
  const auto far = run_command("sample --data far.csv --label 1 --seeds 0 --out run", folder);
  EXPECT_NE(far.err.find("--sigma-max 1.41e+03"), std::string::npos) << far.err;
}

TEST(SampleCommand, GuidedSamplesAreHeldAgainstTheTrainingRows) {
  const TestFolder folder;
  const std::string common = "sample --data ring:n=200 --class 3 --sigma-max 20 --seeds 0-15 --dtype f64";
  const auto guided = run_command(common + " --guidance 2 --out guided", folder);
  ASSERT_EQ(guided.status, 0) << guided.err;
  EXPECT_NE(guided.out.find("field: class 3, guidance 2 away from the unconditional field"), std::string::npos)
      << guided.out;
  // At the end one row outweighs all others in both fields, so D is this row whatever the scale.
  EXPECT_NE(guided.out.find("verdict: 16 of 16 samples are copies"), std::string::npos) << guided.out;
  const auto report = nlohmann::json::parse(file_text(folder / "guided/report.json"));
  EXPECT_TRUE(report["start_mismatch_nats"].is_null());
  EXPECT_FALSE(std::filesystem::exists(folder / "guided/effective_sample_size.png"));
  // At scale 1 it is the class itself, bit for bit.
  ASSERT_EQ(run_command(common + " --guidance 1 --out one", folder).status, 0);
  ASSERT_EQ(run_command(common + " --out class", folder).status, 0);
  EXPECT_EQ(file_text(folder / "one/samples.npz"), file_text(folder / "class/samples.npz"));
  EXPECT_NE(file_text(folder / "guided/samples.npz"), file_text(folder / "class/samples.npz"));
  ASSERT_EQ(run_command("sample --config guided/config.json --threads 1 --batch 5 --out again", folder).status, 0);
  EXPECT_EQ(file_text(folder / "guided/samples.npz"), file_text(folder / "again/samples.npz"));
}

TEST(SampleCommand, TheGuidesRowsArePartOfTheRun) {
  const TestFolder folder;
  std::ofstream(folder / "guide.txt") << "1 0\n0 1\n";
  const std::string common =
      "sample --data 13-points --guidance 2 --guide-data guide.txt --guide-class none --sigma-max 30 --seeds 0-3 --out "
      "run";
  ASSERT_EQ(run_command(common, folder).status, 0);
  std::ofstream(folder / "guide.txt") << "1 0\n0 2\n";
  const auto changed = run_command(common, folder);
  EXPECT_EQ(changed.status, 2);
  EXPECT_NE(changed.err.find("guide_digest"), std::string::npos) << changed.err;
}

TEST(SampleCommand, RefusesWhatCannotBeMeant) {
  const TestFolder folder;
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const auto result = run_command("sample " + arguments, folder);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_NE(result.err.find(why), std::string::npos) << arguments << ": " << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << arguments;
  };
  refused("--data nowhere.npy", "nowhere.npy");
  refused("--data ring --solver huen", "heun");
  refused("--data ring --schedule polynomal", "polynomial");
  refused("--data ring --seeds 5-3", "--seeds 5-3");
  refused("--data ring --sigmas 1,2", "from large to small");
  refused("--data ring --sigma-min 5 --sigma-max 1", "must be below");
  refused("--data ring --label 70", "--class 70");
  refused("--data ring --guidance 2", "nothing to go away from");
  refused("--data ring --class 3 --guide-class 2", "--guidance");
  refused("--data ring --class 3 --guidance 2 --start exact", "--start noise");
  refused("--data ring --class 3 --guidance 2 --classifier exact --guide-class 1", "excludes");
  refused("--model m.pt --subset 3", "--subset is about the rows of --data");
  refused("--model m.pt --held-out ring", "--held-out is about the rows of --data");
  refused("--model m.pt --guidance 2 --guide-subset 3", "--guide-subset is about the rows of --data");
  refused("--data ring --dtype u8", "images");
  refused("--data ring --memory-limit 12Q", "--memory-limit");
  refused("--data ring --threads 0", "--threads");
  refused("--config missing.json", "missing.json");
  refused("--data ring --held-out fashion-mnist:test", "shape");
  refused("--data ring --solver em --sigmas 20.1,20.10000001,0.5", "from large to small");
  refused("--data ring --solver em --sigmas 20.10000001,20.1,0.5", "sigma");
}

TEST(SampleCommand, NeverOverwritesAnotherRun) {
  const TestFolder folder;
  ASSERT_EQ(run_command("sample --data ring --seeds 0-3 --steps 5 --out a", folder).status, 0);
  const std::string before = file_text(folder / "a/samples.npz");
  const auto other = run_command("sample --data ring --seeds 0-3 --steps 6 --out a", folder);
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("a"), std::string::npos);
  EXPECT_EQ(file_text(folder / "a/samples.npz"), before);
}

TEST(SampleCommand, DryRunDoesNothing) {
  const TestFolder folder;
  const auto result = run_command("sample --data ring --seeds 0-99 --dry-run", folder);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("35 evaluations of the field a sample, 3500 in all"), std::string::npos) << result.out;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SampleCommand, WarnsWhenTheStartIsTooLow) {
  const TestFolder folder;
  const auto low = run_command("sample --data ring --seeds 0 --sigma-max 0.5 --out a", folder);
  EXPECT_NE(low.err.find("warning"), std::string::npos) << low.err;
  const auto exact = run_command("sample --data ring --seeds 0 --sigma-max 0.5 --start exact --out b", folder);
  EXPECT_EQ(exact.err.find("warning"), std::string::npos) << exact.err;
}

TEST(Command, HelpShowsExamplesAndUnknownCommandsAreNearlyNamed) {
  const TestFolder folder;
  EXPECT_NE(run_command("sample --help", folder).out.find("Examples:"), std::string::npos);
  EXPECT_NE(run_command("--help", folder).out.find("Examples:"), std::string::npos);
  EXPECT_TRUE(run_command("--version", folder).out.starts_with("scorefield 0."));
  const auto unknown = run_command("sampel", folder);
  EXPECT_EQ(unknown.status, 2);
  EXPECT_NE(unknown.err.find("sample"), std::string::npos);
}

}  // namespace
}  // namespace scorefield

// scorefield import, and scorefield sample with a model.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "scorefield/learn/library.h"
#include "tests/command.h"
#include "tests/paths.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

#define SKIP_WITHOUT_NETWORKS() \
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks()

const std::string kModels = SCOREFIELD_SOURCE_DIR "/tests/models/";  // made by make.py there

/// net.pt with its JSON, and rows of its law as images.npy.
void put_model(const TestFolder& folder) {
  std::filesystem::copy_file(kModels + "gaussian-eps.pt", folder / "net.pt");
  std::filesystem::copy_file(kModels + "gaussian-eps.json", folder / "net.json");
}

constexpr const char* kImport = "import --model net.pt --out run --no-search --threads 2 ";

TEST(ImportCommand, ChecksAModelAgainstItsOwnSamples) {
  SKIP_WITHOUT_NETWORKS();
  const TestFolder folder;
  put_model(folder);
  const CommandResult result = run_command(kImport, folder);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("verdict: it denoises its own samples"));
  EXPECT_THAT(result.out, HasSubstr("all that could be checked"));
  for (const char* const file : {"config.json", "import.json", "net.json", "samples.png"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / "run" / file)) << file;
  }
}

TEST(ImportCommand, FindsAndSavesTheRightDeclaration) {
  SKIP_WITHOUT_NETWORKS();
  const TestFolder folder;
  put_model(folder);
  // Samples of the model are rows of its law.
  ASSERT_EQ(run_command("sample --model net.pt --seeds 0-63 --out made --threads 2", folder).status, 0);
  const std::string wrong = std::string(kImport) + "--predicts v --data made/samples.npz --shape 4 ";
  EXPECT_THAT(run_command(wrong, folder).err, HasSubstr("fails"));  // the network takes images, not rows of numbers
  std::filesystem::remove_all(folder / "run");
  ASSERT_EQ(run_command("sample --model net.pt --seeds 0-63 --out images --dtype u8 --threads 2", folder).status, 0);
  const CommandResult found =
      run_command(std::string(kImport) + "--predicts v --data images/samples.npz --save --json", folder);
  ASSERT_EQ(found.status, 0) << found.err;
  const auto json = nlohmann::json::parse(found.out);
  EXPECT_EQ(json["verdict"], "another fits better");
  EXPECT_EQ(json["better"]["change"], "predicts noise");
  EXPECT_EQ(nlohmann::json::parse(file_text(folder / "net.json"))["predicts"], "noise");

  // Where the JSON beside it would be the model itself.
  std::filesystem::copy_file(folder / "net.pt", folder / "odd.json");
  const std::string before = file_text(folder / "odd.json");
  EXPECT_THAT(run_command("import --model odd.json --shape 1,2,2 --save", folder).err, HasSubstr("the model itself"));
  EXPECT_EQ(file_text(folder / "odd.json"), before);
}

TEST(ImportCommand, SamplesAModelAloneAndBesideData) {
  SKIP_WITHOUT_NETWORKS();
  const TestFolder folder;
  put_model(folder);
  const CommandResult alone = run_command("sample --model net.pt --seeds 0-15 --out alone --threads 2", folder);
  EXPECT_EQ(alone.status, 0) << alone.err;
  EXPECT_THAT(alone.out, HasSubstr("the network of net.pt"));
  EXPECT_TRUE(std::filesystem::exists(folder / "alone/grid.png"));
  EXPECT_FALSE(std::filesystem::exists(folder / "alone/nearest.png"));
  // The same bits in other batches and threads, and from the record.
  const CommandResult again =
      run_command("sample --config alone/config.json --out again --threads 1 --batch 3", folder);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(file_text(folder / "again/samples.npz"), file_text(folder / "alone/samples.npz"));

  ASSERT_EQ(run_command("sample --model net.pt --seeds 20-40 --out rows --dtype u8", folder).status, 0);
  const CommandResult beside =
      run_command("sample --model net.pt --data rows/samples.npz --seeds 0-15 --out beside", folder);
  EXPECT_EQ(beside.status, 0) << beside.err;
  EXPECT_THAT(beside.out, HasSubstr("0 of 16 samples are copies"));
  EXPECT_TRUE(std::filesystem::exists(folder / "beside/nearest.png"));
}

TEST(ImportCommand, SaysInALineWhatIsWrong) {
  SKIP_WITHOUT_NETWORKS();
  const TestFolder folder;
  put_model(folder);
  const auto expect = [&](const std::string& arguments, const std::string& part) {
    const CommandResult result = run_command(arguments + " --out bad", folder);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr(part)) << arguments;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "bad")) << arguments;
  };
  expect("sample --seeds 0", "give --data, or --model, or both");
  expect("import --model missing.pt --shape 4", "missing.pt: no such file");
  expect("import --model " + kModels + "state-dict.pt --shape 4", "holds weights");
  expect("import --model " + kModels + "flat.pt --time none", "say the shape");
  expect("import --model " + kModels + "flat.pt --shape 2", "it is called as forward(Tensor x)");
  expect("import --model net.pt --predicts epss", "unknown prediction 'epss'");
  expect("import --model net.pt --process ddmp", "did you mean 'ddpm'");
  expect("import --model net.pt --time step/", "behind step stands");
  expect("import --model net.pt --range 1,-1", "two rising numbers");
  expect("import --model net.pt --shape 1,3,3", "fails");
  expect("import --model net.pt --data fashion-mnits", "did you mean 'fashion-mnist'");
  expect("import --model net.pt --data ring", "made for rows of shape [1, 2, 2], but ring has rows of shape [2]");
  ASSERT_EQ(run_command("sample --model net.pt --seeds 0-7 --out made --dtype u8", folder).status, 0);
  expect("import --model net.pt --data made/samples.npz --subset 1", "a check needs two rows or more");
  expect("import --model " + kModels + "classes.pt --model-classes 5 --data made/samples.npz", "has no labels");
  expect("sample --model net.pt --sigma-max 1000", "knows noise levels from sigma = 0.02");
  expect("sample --model net.pt --label 3", "has no labels");
  expect("sample --model net.pt --law", "--law is for the field of the data");
  expect("sample --predicts eps --data ring", "--model");
  std::ofstream(folder / "net.json") << R"({"predict": "eps"})";
  expect("import --model net.pt", "net.json: unknown key 'predict'; did you mean 'predicts'");
  std::ofstream(folder / "net.json") << "{";
  expect("import --model net.pt", "net.json");
}

}  // namespace
}  // namespace scorefield

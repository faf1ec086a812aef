// scorefield compare, as a user runs it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "scorefield/data/npy.h"
#include "scorefield/learn/library.h"
#include "tests/command.h"
#include "tests/paths.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

const std::string kModel = SCOREFIELD_SOURCE_DIR "/tests/models/gaussian-eps";  // made by make.py there

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

TEST_F(CompareCommand, AnImportedModelIsAskedAtTheNoiseLevelsThatItHas) {
  // The default levels go down to 0.002, DDPM's to 0.02 in data units.
  std::filesystem::copy_file(kModel + ".pt", folder_ / "model.pt");
  std::filesystem::copy_file(kModel + ".json", folder_ / "model.json");
  std::vector<std::uint8_t> images(20 * 4);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<std::uint8_t>(i * 37 % 256);
  write_npy<std::uint8_t>(folder_ / "images.npy", std::vector<std::size_t>{20, 2, 2}, images);
  const CommandResult result =
      run_command("compare --model model.pt --data images.npy --seeds 0-3 --steps 5 --out a", folder_);
  ASSERT_EQ(result.status, 0) << result.err;
  const auto config = nlohmann::json::parse(file_text(folder_ / "a/config.json"));
  EXPECT_GT(config["options"]["sigma-min"], 0.02);
  EXPECT_TRUE(config.contains("model")) << "what the JSON beside it said";
  const CommandResult refused =
      run_command("compare --model model.pt --data images.npy --seeds 0-3 --steps 5 --sigma-min 0.01 --out b", folder_);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("0.01"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b"));
  const CommandResult encoded =
      run_command("encode --model model.pt --data images.npy --rows 0-3 --steps 5 --out e", folder_);
  EXPECT_EQ(encoded.status, 0) << encoded.err;
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

// scorefield train, as a user runs it.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "scorefield/learn/library.h"
#include "tests/command.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

constexpr const char* kSmall =
    " --data ring:n=100 --width 8 --layers 1 --batch 32 --micro-batch 16 --held-out-rows 32 ";

class TrainCommand : public testing::Test {
 protected:
  TestFolder folder_;
  void SetUp() override {
    if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  }
  CommandResult train(const std::string& flags) const { return run_command("train" + flags, folder_); }
  nlohmann::json config(const char* run) const {
    return nlohmann::json::parse(file_text(folder_ / run / "config.json"));
  }
  /// The records without what depends on the clock.
  std::vector<nlohmann::json> records(const char* run) const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(file_text(folder_ / run / "stats.jsonl"));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line));
      lines.back().erase("seconds");
      lines.back().erase("rows_per_second");
    }
    return lines;
  }
  std::string model(const char* run) const { return file_text(folder_ / run / "model.safetensors"); }
};

TEST_F(TrainCommand, KilledItGoesOnToTheSameBits) {
  const std::string flags =
      std::string(kSmall) + "--steps 400 --checkpoint-every 20 --grid-every 400 --record-every 7 ";
  ASSERT_EQ(train(flags + "--out whole --threads 1").status, 0);
  // Killed as soon as there is a checkpoint, wherever it is then; and again.
  for (int kill = 0; kill < 2; ++kill) {
    const std::string command = kill == 0 ? "train" + flags + "--out killed" : "train --resume killed";
    const CommandResult killed = run_shell(
        "\"$SCOREFIELD\" " + command + " & pid=$!; before=$(cksum killed/checkpoint.safetensors 2>/dev/null); " +
            "while kill -0 $pid 2>/dev/null && [ \"$(cksum killed/checkpoint.safetensors 2>/dev/null)\" = \"$before\" "
            "]; " +
            "do sleep 0.01; done; kill -9 $pid 2>/dev/null; wait $pid",
        folder_);
    if (killed.status == 0) break;  // it was quicker
    EXPECT_EQ(killed.status, 137) << killed.err;
  }
  const CommandResult resumed = train(" --resume killed --threads 2");
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_EQ(records("killed"), records("whole"));
  EXPECT_EQ(model("killed"), model("whole"));
  const CommandResult again = train(" --resume killed");
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.err, HasSubstr("complete already"));
}

TEST_F(TrainCommand, MinutesBecomeSteps) {
  const CommandResult result = train(std::string(kSmall) + "--minutes 0.02 --out a --json");
  ASSERT_EQ(result.status, 0) << result.err;
  const nlohmann::json report = nlohmann::json::parse(result.out);
  EXPECT_TRUE(report["complete"]);
  const nlohmann::json options = config("a")["options"];
  EXPECT_EQ(options["steps"], report["steps"]);
  EXPECT_EQ(report["rows"], 32 * report["steps"].get<int>());
  EXPECT_FALSE(options.contains("minutes"));
  EXPECT_EQ(options["arch"], "mlp");
  EXPECT_EQ(options["width"], 8);
  EXPECT_EQ(options["batch"], 32);
  // The config repeats the run.
  ASSERT_EQ(train(" --config a/config.json --out b --threads 1").status, 0);
  EXPECT_EQ(model("b"), model("a"));
  ASSERT_EQ(train(" --config a/config.json --seed 1 --out c").status, 0);
  EXPECT_NE(model("c"), model("a"));
}

TEST_F(TrainCommand, AModelOfAProcessIsSampledWhereThatHasNoiseLevels) {
  // ddpm begins at sigma = 0.01, above the 0.002 that samplers end at where they are not told.
  ASSERT_EQ(train(std::string(kSmall) + "--predicts eps --process ddpm --steps 20 --out a").status, 0);
  const CommandResult sampled = run_command("sample --model a/model.safetensors --seeds 0-3 --out b", folder_);
  EXPECT_EQ(sampled.status, 0) << sampled.err;
}

TEST_F(TrainCommand, WithoutClassDropoutItAlwaysNeedsAClass) {
  const std::string mixture =
      " --data mixture:d=2,rank=2,modes=4,classes=2,n=200 --width 8 --layers 1 --steps 5 --batch 32";
  ASSERT_EQ(train(mixture + " --conditional --class-dropout 0 --out a").status, 0);
  const std::string sample = "sample --model a/model.safetensors --seeds 0-3 ";
  const CommandResult without = run_command(sample + "--out b", folder_);
  EXPECT_EQ(without.status, 2);
  EXPECT_THAT(without.err, HasSubstr("always needs a class"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b"));
  EXPECT_EQ(run_command(sample + "--class 1 --out b", folder_).status, 0);
}

TEST_F(TrainCommand, DryRunsChangeNothing) {
  const CommandResult result = train(std::string(kSmall) + "--steps 1000 --dry-run --out a");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1000 steps of 32 rows"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));
}

TEST_F(TrainCommand, MistakesAreToldInOneLine) {
  std::ofstream(folder_ / "plain.txt") << "1 2\n3 4\n";
  std::ofstream(folder_ / "same.txt") << "1 2\n1 2\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {" --data ring", "--minutes 10, or --steps 20000"},
      {" --data ring --steps 5 --minutes 1", "excludes"},
      {" --data ring --steps 5 --arch unet", "holds vectors of 2 values; take mlp"},
      {" --data ring --steps 5 --heads 2", "--heads says nothing to --arch mlp; drop it"},
      {" --data ring --steps 5 --arch vae --multipliers 1,2", "--multipliers says nothing to --arch vae, of vectors"},
      {" --data fashion-mnist --subset 10 --steps 5 --layers 2", "--layers says nothing to --arch unet"},
      {" --data fashion-mnist --subset 10 --steps 5 --arch dit --blocks 2", "--blocks says nothing to --arch dit"},
      {" --data fashion-mnist --subset 10 --steps 5 --arch vae --frequencies 2", "--frequencies says nothing to"},
      {" --data plain.txt --steps 5 --conditional", "has no labels"},
      {" --data ring --steps 5 --class-dropout 0.1", "--conditional"},
      {" --data ring --steps 5 --augment flip", "only images can be flipped"},
      {" --data same.txt --steps 5", "nothing to learn"},
      {" --data ring --steps 5 --weight snrr", "did you mean 'snr'"},
      {" --data ring --steps 5 --predicts epz", "unknown prediction 'epz'"},
      {" --data ring --steps 5 --noise-law normal", "lognormal:MEAN,DEVIATION"},
      {" --data ring --steps 5 --noise-law table:none.csv", "none.csv"},
      {" --data ring --steps 5 --sigma-max 5", "ends of the uniform laws"},
      {" --data ring --steps 5 --probes 3", "--objective sliced"},
      {" --data fashion-mnist --subset 10 --steps 5 --objective implicit", "784 values"},
      {" --data fashion-mnist --subset 10 --steps 5 --objective explicit --augment flip", "drop --augment flip"},
      {" --data ring --steps 5 --ema 0.9", "decay:BETA"},
      {" --data ring --steps 5 --clip -1", "no number above 0"},
      {" --data ring --steps 5 --lr-decay linear", "inverse-sqrt:STEPS"},
      {" --data ring --steps 5 --process vp --predicts eps --noise-law uniform --sigma-max 1e9", "sigma"},
  };
  for (const auto& [flags, message] : cases) {
    const CommandResult result = train(flags + " --out a");
    EXPECT_EQ(result.status, 2) << flags;
    EXPECT_THAT(result.err, HasSubstr(message)) << flags;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "a/config.json")) << flags;
  }
}

TEST_F(TrainCommand, ResumingWithAnotherTableIsRefused) {
  std::ofstream(folder_ / "law.csv") << "0.01,1\n1,2\n10,1\n";
  ASSERT_EQ(train(std::string(kSmall) + "--noise-law table:law.csv --steps 5 --out a").status, 0);
  std::ofstream(folder_ / "law.csv") << "0.01,1\n1,3\n10,1\n";
  const CommandResult result = train(" --resume a");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("noise_law_digest"));
}

TEST_F(TrainCommand, ResumingWithOtherDataIsRefused) {
  std::ofstream(folder_ / "d.txt") << "1 2\n3 4\n5 7\n";
  ASSERT_EQ(train(" --data d.txt --width 8 --layers 1 --batch 4 --steps 3 --out a").status, 0);
  std::filesystem::remove(folder_ / "a/done.jsonl");
  const std::string before = model("a");
  std::ofstream(folder_ / "d.txt") << "1 2\n3 4\n5 8\n";
  const CommandResult result = train(" --resume a");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("cannot be resumed"));
  EXPECT_EQ(model("a"), before);
}

TEST_F(TrainCommand, AFullDiskLeavesTheLastCheckpoint) {
  // A limit on file sizes stands in for a full disk: less than a checkpoint (some 40 kB), more than the records.
  const std::string flags = std::string(kSmall) + "--width 32 --steps 1000000 --checkpoint-every 5 --out a";
  const auto checkpoint = folder_ / "a/checkpoint.safetensors";
  run_shell("\"$SCOREFIELD\" train" + flags +
                " & pid=$!; while kill -0 $pid 2>/dev/null && [ ! -e a/checkpoint.safetensors ]; do sleep 0.01; done; "
                "kill -9 $pid; wait $pid",
            folder_);
  const std::string before = file_text(checkpoint);
  const CommandResult full = run_shell("ulimit -f 16; trap '' XFSZ; \"$SCOREFIELD\" train --resume a", folder_);
  EXPECT_EQ(full.status, 2) << full.err;
  EXPECT_THAT(full.err, HasSubstr("cannot write"));
  EXPECT_EQ(file_text(checkpoint), before);
}

// A network is a field of the other commands: sampled alone and guided by a worse one, encoded and come back.
TEST_F(TrainCommand, WhatWasTrainedIsSampledGuidedAndEncoded) {
  const std::string flags = " --data mixture --conditional --width 16 --layers 1 --batch 64 --held-out-rows 32 ";
  ASSERT_EQ(train(flags + "--steps 200 --out good").status, 0);
  ASSERT_EQ(train(flags + "--steps 20 --out bad").status, 0);
  const std::string model = " --model good/model.safetensors ";
  const auto samples = [&](const std::string& more, const std::string& out) {
    const CommandResult made =
        run_command("sample" + model + "--class 1 --seeds 0-3 --dtype f64 --out " + out + more, folder_);
    EXPECT_EQ(made.status, 0) << made.err;
    return file_text(folder_ / out / "samples.npz");
  };
  const std::string plain = samples("", "plain");
  EXPECT_EQ(samples(" --guidance 1 --guide-model bad/model.safetensors", "one"), plain)
      << "scale 1 is the model itself";
  const std::string guided = samples(" --guidance 2 --guide-model bad/model.safetensors", "guided");
  EXPECT_NE(guided, plain);
  EXPECT_NE(samples(" --guidance 2", "free"), guided) << "classifier-free guidance has another guide";
  EXPECT_EQ(samples(" --batch 1 --threads 1 --guidance 2 --guide-model bad/model.safetensors", "again"), guided);
  EXPECT_THAT(run_command("sample" + model +
                              "--guidance 2 --guide-model bad/model.safetensors --guide-data ring "
                              "--class 1",
                          folder_)
                  .err,
              HasSubstr("--guide-data"));

  const CommandResult encoded =
      run_command("encode --data mixture" + model + "--rows 0-3 --steps 60 --solver rk4 --out there", folder_);
  ASSERT_EQ(encoded.status, 0) << encoded.err;
  EXPECT_THAT(encoded.out, HasSubstr("the network of good/model.safetensors"));
}

}  // namespace
}  // namespace scorefield

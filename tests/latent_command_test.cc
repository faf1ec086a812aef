// From data to latents to samples to rows again, as a user does it: train --arch vae, elbo, latents, sample, decode.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "scorefield/data/npz.h"
#include "scorefield/learn/library.h"
#include "tests/command.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

class LatentCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  }
  CommandResult run(const std::string& arguments) const { return run_command(arguments, folder_); }
  /// A small autoencoder of 300 points; `flags` in its run folder `name`.
  void train(const std::string& name, const std::string& flags) const {
    const CommandResult result = run(
        "train --data ring:n=300 --arch vae --width 16 --layers 1 --steps 60 --batch 64 --out " + name + " " + flags);
    ASSERT_EQ(result.status, 0) << result.err;
  }

  TestFolder folder_;
};

TEST_F(LatentCommand, FromPointsToLatentsAndBack) {
  train("vae", "--latent 1");
  ASSERT_EQ(run("latents --data ring:n=300 --model vae/model.safetensors --out z.npz").status, 0);
  // A data set as any other: the exact field's samples are its rows.
  const CommandResult sampled = run("sample --data z.npz --seeds 0-9 --steps 10 --out s");
  ASSERT_EQ(sampled.status, 0) << sampled.err;
  const CommandResult decoded = run("decode --model vae/model.safetensors --samples s --out x --json");
  ASSERT_EQ(decoded.status, 0) << decoded.err;
  EXPECT_TRUE(nlohmann::json::parse(decoded.out)["autoencoder_known"]);
  const Array rows = open_npz(folder_ / "x/samples.npz").read("arr_0", {});
  EXPECT_EQ(rows.shape, (std::vector<std::size_t>{10, 2}));
  // Each sample is a latent of a row, so what it decodes to is among the decoded rows.
  ASSERT_EQ(run("decode --model vae/model.safetensors --samples z.npz --out all").status, 0);
  const Array all = open_npz(folder_ / "all/samples.npz").read("arr_0", {});
  ASSERT_EQ(all.shape, (std::vector<std::size_t>{300, 2}));
  for (std::size_t i = 0; i < 10; ++i) {
    double nearest = 1e9;
    for (std::size_t k = 0; k < 300; ++k) {
      const auto at = [](const Array& array, std::size_t index) {
        return static_cast<double>(array.values<float>()[index]);
      };
      nearest =
          std::min(nearest, std::hypot(at(rows, 2 * i) - at(all, 2 * k), at(rows, 2 * i + 1) - at(all, 2 * k + 1)));
    }
    // The last level, sigma = 0.002, leaves the sample this near to its row; decoding stretches it by the ring's size.
    EXPECT_LT(nearest, 0.1);
  }
}

TEST_F(LatentCommand, ElboSaysAllTermsAndPrincipalComponents) {
  train("vae", "--latent 2,1");
  const CommandResult json = run("elbo --data ring:n=300 --model vae/model.safetensors --draws 4 --json");
  ASSERT_EQ(json.status, 0) << json.err;
  const auto said = nlohmann::json::parse(json.out);
  double terms = -said["divergence"]["value"].get<double>();
  for (const auto& term : said["likelihood"]) terms += term["value"].get<double>();
  for (const auto& term : said["entropy"]) terms += term["value"].get<double>();
  EXPECT_NEAR(said["elbo"]["nats"].get<double>(), terms, 1e-9);
  EXPECT_EQ(said["likelihood"].size(), 2U);
  EXPECT_TRUE(said["ppca"].contains("bits_per_dimension"));
  const CommandResult text = run("elbo --data ring:n=300 --model vae/model.safetensors --draws 1 --rows 20");
  EXPECT_THAT(text.out, HasSubstr("E log p(z1 | z2)"));
  EXPECT_THAT(text.out, HasSubstr("PPCA of 1 dimensions"));
}

TEST_F(LatentCommand, ItsConfigRepeatsItBitForBit) {
  train("whole", "--latent 1");
  const std::string bytes = file_text(folder_ / "whole/model.safetensors");
  EXPECT_EQ(run("train --config whole/config.json --out again").status, 0);
  EXPECT_EQ(file_text(folder_ / "again/model.safetensors"), bytes);
}

TEST_F(LatentCommand, RefusesWhatDoesNotFit) {
  train("vae", "--latent 1");
  train("other", "--latent 1 --seed 1");
  ASSERT_EQ(run("latents --data ring:n=300 --model vae/model.safetensors --out z.npz").status, 0);

  CommandResult result = run("decode --model other/model.safetensors --samples z.npz --out x");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("latents of another autoencoder"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x"));
  ASSERT_EQ(run("sample --data z.npz --seeds 0-1 --steps 5 --out s").status, 0);
  EXPECT_THAT(run("decode --model other/model.safetensors --samples s --out x").err,
              HasSubstr("latents of another autoencoder"));

  // A field that was trained on latents knows of which autoencoder they were.
  ASSERT_EQ(run("train --data z.npz --width 16 --layers 1 --steps 5 --out zf").status, 0);
  ASSERT_EQ(run("sample --model zf/model.safetensors --seeds 0-1 --steps 5 --out zs").status, 0);
  EXPECT_THAT(run("decode --model other/model.safetensors --samples zs --out x").err,
              HasSubstr("latents of another autoencoder"));
  EXPECT_EQ(run("decode --model vae/model.safetensors --samples zs --out decoded").status, 0);
  ASSERT_EQ(run("sample --model zf --seeds 0-1 --steps 5 --out folder").status, 0);
  std::filesystem::remove_all(folder_ / "zf");  // its record says enough
  EXPECT_THAT(run("decode --model other --samples folder --out x").err, HasSubstr("latents of another autoencoder"));

  result = run("decode --model vae/model.safetensors --samples ring:n=5 --out x");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("rows of 2 values, but the autoencoder has 1 latents"));
  result = run("latents --data mixture:d=3,rank=2,n=20 --model vae/model.safetensors --out y.npz");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("rows of shape [3]"));
  result = run("latents --data ring:n=300 --model vae/model.safetensors --out z.npz");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("exists already"));

  ASSERT_EQ(run("train --data ring:n=300 --width 16 --steps 5 --out field").status, 0);
  result = run("latents --data ring:n=300 --model field/model.safetensors --out y.npz");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("a model of the kind 'denoiser', not an autoencoder"));
  EXPECT_THAT(run("latents --data ring:n=300 --model z.npz --out y.npz").err, HasSubstr("z.npz"));

  for (const char* flags : {"--latent 0", "--latent 2,0", "--kl-weight -1", "--conditional", "--predicts eps",
                            "--sigma-max 3", "--noisy"}) {
    result = run(std::string("train --data ring:n=300 --arch vae --steps 5 --out bad ") + flags);
    EXPECT_NE(result.status, 0) << flags;
    EXPECT_NE(result.err, "") << flags;
  }
  EXPECT_THAT(run("train --data ring:n=300 --latent 2 --steps 5 --out bad").err, HasSubstr("--arch vae"));
}

}  // namespace
}  // namespace scorefield

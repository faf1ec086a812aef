// The whole metrics command: what it prints, what it writes, how it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/npy.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/data/png.h"
#include "tests/command.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void write_normals(const fs::path& path, std::size_t n, std::size_t d, std::uint64_t seed, double shift = 0) {
  std::vector<double> values(n * d);
  RandomStream(seed, Purpose::kTest).normals(values);
  for (double& v : values) v += shift;
  write_npy<double>(path, std::vector<std::size_t>{n, d}, values);
}

void write_statistics(const fs::path& path, std::size_t p, double off_diagonal = 0) {
  std::vector<double> sigma(p * p);
  for (std::size_t k = 0; k < p; ++k) sigma[k * p + k] = 1;
  sigma[1] += off_diagonal;
  NpzWriter writer(path);
  writer.add_array<double>("mu", std::vector<std::size_t>{p}, std::vector<double>(p));
  writer.add_array<double>("sigma", std::vector<std::size_t>{p, p}, sigma);
  writer.finish();
}

TEST(MetricsCommand, PrintsATableAndWritesNothingUnlessAsked) {
  const TestFolder folder;
  write_normals(folder / "data.npy", 200, 3, 1);
  write_normals(folder / "samples.npy", 150, 3, 2, 1.0);
  const CommandResult result =
      run_command("metrics --data data.npy --samples samples.npy --baseline gaussian --clip", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("100 rows a set, features pca:3"));
  for (const char* text : {"Frechet distance", "KID", "sliced Wasserstein", "precision", "recall", "density",
                           "coverage", "1-nearest-neighbour", "other data", "Gaussian", "clipped to [", "excess"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  EXPECT_FALSE(fs::exists(folder / "runs"));
}

TEST(MetricsCommand, WritesAFolderThatItsConfigRepeats) {
  const TestFolder folder;
  write_normals(folder / "data.npy", 300, 4, 1);
  write_normals(folder / "test.npy", 120, 4, 3);
  write_normals(folder / "samples.npy", 150, 4, 2, 0.5);
  write_statistics(folder / "stats.npz", 4);
  const CommandResult first = run_command(
      "metrics --data data.npy --held-out test.npy --samples samples.npy --features identity --reference stats.npz "
      "--count 100 --seed 5 --threads 1 --out first --json",
      folder);
  ASSERT_EQ(first.status, 0) << first.err;
  const auto json = nlohmann::json::parse(first.out);
  EXPECT_EQ(json, nlohmann::json::parse(file_text(folder / "first/metrics.json")));
  EXPECT_EQ(json["rows"], 100);
  EXPECT_EQ(json["held_out"], true);
  const auto& samples = json["sets"]["samples"];
  for (const char* key : {"frechet", "kernel_cubic", "kernel_gaussian", "sliced_wasserstein", "precision", "recall",
                          "density", "coverage", "nearest_accuracy", "frechet_to_reference"}) {
    EXPECT_TRUE(samples[key]["value"].is_number()) << key;
    EXPECT_GT(samples[key]["standard_error"], 0) << key;
    EXPECT_TRUE(json["sets"]["data"][key]["value"].is_number()) << key;
  }
  // A shift of 1/2 in four coordinates is 1; errors of 0.2 and a bias of about 4 * 5/100 / 2.
  EXPECT_NEAR(samples["frechet_to_reference"]["value"], 1.0, 0.9);
  for (const char* name : {"metrics.png", "nearest.png"}) {
    EXPECT_GT(read_png(map_blob(folder / "first" / name), {}).image.height, 0U) << name;
  }
  ASSERT_EQ(run_command("metrics --config first/config.json --threads 2 --out second", folder).status, 0);
  EXPECT_EQ(file_text(folder / "first/metrics.json"), file_text(folder / "second/metrics.json"));
  EXPECT_EQ(file_text(folder / "first/metrics.csv"), file_text(folder / "second/metrics.csv"));
}

TEST(MetricsCommand, TakesTheSamplesOfARun) {
  const TestFolder folder;
  ASSERT_EQ(run_command("sample --data ring:n=60 --seeds 0-19 --steps 5 --out run", folder).status, 0);
  const CommandResult result =
      run_command("metrics --data ring:n=60 --held-out ring:n=30,seed=1 --samples run --json", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["rows"], 20);
  // Samples of the exact field of a few rows are those rows.
  EXPECT_EQ(json["sets"]["samples"]["precision"]["value"], 1.0);
}

struct Refusal {
  const char* arguments;
  const char* expected;
};

TEST(MetricsCommand, RefusesWithOneLineAndLeavesNothing) {
  const TestFolder folder;
  write_normals(folder / "data.npy", 40, 3, 1);
  write_normals(folder / "samples.npy", 40, 3, 2);
  write_normals(folder / "narrow.npy", 40, 2, 2);
  write_normals(folder / "few.npy", 4, 3, 2);
  write_normals(folder / "one.npy", 1, 3, 2);
  std::vector<double> values(30);
  values[16] = std::numeric_limits<double>::quiet_NaN();
  write_npy<double>(folder / "nan.npy", std::vector<std::size_t>{10, 3}, values);
  write_statistics(folder / "other.npz", 2);
  write_statistics(folder / "lopsided.npz", 3, 0.5);
  for (const auto& [arguments, expected] : std::vector<Refusal>{
           {"", "--samples"},
           {"--samples missing.npy", "missing.npy"},
           {"--samples narrow.npy", "shape [2]"},
           {"--samples few.npy", "5 nearest neighbours and their errors need 14"},
           {"--samples one.npy", "need 14"},
           {"--samples nan.npy", "row 5"},
           {"--samples samples.npy --held-out narrow.npy", "[2]"},
           {"--samples samples.npy -k 30", "30 nearest neighbours"},
           {"--samples samples.npy --count 5", "need 14"},
           {"--samples samples.npy --features pca:4", "at most 3"},
           {"--samples samples.npy --features inception", "unknown features"},
           {"--samples samples.npy --reference other.npz", "features of 3 values cannot be held against 2"},
           {"--samples samples.npy --reference lopsided.npz", "sigma is no covariance"},
           {"--samples samples.npy --reference samples.npy", "samples.npy"},
           {"--samples samples.npy --baseline uniform", "--baseline"},
           {"--samples samples.npy --seed -1", "--seed"},
       }) {
    const CommandResult result = run_command(std::string("metrics --data data.npy ") + arguments, folder);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_THAT(result.err, HasSubstr(expected)) << arguments;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << arguments;
  }
  // Nor a folder that holds another run when the flag is typed right.
  const std::string common = "metrics --data data.npy --samples samples.npy --projections 8 --out out --features ";
  EXPECT_EQ(run_command(common + "pac", folder).status, 2);
  EXPECT_FALSE(fs::exists(folder / "out"));
  EXPECT_EQ(run_command(common + "pca", folder).status, 0);
}

}  // namespace
}  // namespace scorefield

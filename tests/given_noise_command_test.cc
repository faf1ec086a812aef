// scorefield sample with noise, rows and levels that were given: other systems' runs by the command line.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "scorefield/data/npy.h"
#include "scorefield/data/npz.h"
#include "scorefield/field/empirical.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"
#include "tests/command.h"
#include "tests/oracle.h"
#include "tests/points8.h"

namespace scorefield {
namespace {

using test::Oracle;
using testing::HasSubstr;

// Five latents; --noise gives one row a sample.
constexpr std::array<double, 10> kLatents = {0.3, -1.2, 1.1, 0.4, -0.6, -0.2, 2.1, -0.9, -1.7, 0.8};

void write_points8(const TestFolder& folder) {
  std::ofstream points(folder / "points8.txt");
  points.precision(17);
  for (std::size_t i = 0; i < 8; ++i) points << test::kPoints8[2 * i] << " " << test::kPoints8[2 * i + 1] << "\n";
}

void write_array(const std::filesystem::path& path, std::vector<std::size_t> shape, std::span<const double> values) {
  write_npy<double>(path, shape, values);
}

std::vector<double> read(const std::filesystem::path& path, const char* key) {
  const Array array = open_npz(path).read(key, {});
  return {array.values<double>().begin(), array.values<double>().end()};
}

/// Value j of sample i at each level of a trajectory [N, levels, 2].
double at(const std::vector<double>& x, std::size_t samples, std::size_t i, std::size_t level, std::size_t j) {
  return x[(i * (x.size() / (2 * samples)) + level) * 2 + j];
}

class States final : public Observer {
 public:
  const Request& request() const override { return request_; }
  void observe(const Observation& seen) override {
    states.emplace_back(seen.x.rows, seen.x.cols);
    std::copy_n(seen.x.data, seen.x.rows * seen.x.cols, states.back().data());
    sigmas.push_back(seen.sigma);
  }
  std::vector<Rows> states;
  std::vector<double> sigmas;

 private:
  Request request_;
};

TEST(GivenNoise, TheCommandRunsWhatTheLibraryRuns) {
  const TestFolder folder;
  write_points8(folder);
  write_array(folder / "z.npy", {5, 2}, kLatents);
  const auto process = make_process("vp");
  const std::vector<double> values(test::kPoints8.begin(), test::kPoints8.end());
  const Dataset data = make_dataset<double>("points8", values, {2});
  const Empirical field(data, {}, {});
  struct Case {
    const char* flags;
    Sampling sampling;
  };
  const std::vector<double> to_zero = {80, 9, 3, 1, 0.4, 0.1, 0};
  const std::vector<double> above = {80, 9, 3, 1, 0.4, 0.1};
  const Case cases[] = {
      {"--solver heun", {.field = field, .sampler = find_sampler("heun"), .levels = to_zero}},
      {"--solver heun --r 0.5 --end sigma-min --afs",
       {.field = field,
        .sampler = find_sampler("heun"),
        .levels = above,
        .options = {.r = 0.5},
        .analytical_first_step = true}},
      {"--solver ab3 --lower-order-final --process vp --start process",
       {.field = field,
        .sampler = find_sampler("ab3"),
        .levels = to_zero,
        .process = process.get(),
        .start = Start::kProcess,
        .options = {.lower_order_final = true}}},
      {"--solver euler --S-churn 3 --S-min 0.3 --S-max 20 --S-noise 1.01",
       {.field = field,
        .sampler = find_sampler("euler"),
        .levels = to_zero,
        .churn = {.amount = 3, .sigma_min = 0.3, .sigma_max = 20, .noise = 1.01}}},
      {"--solver posterior", {.field = field, .sampler = find_sampler("posterior"), .levels = to_zero}},
      {"--solver dpm2 --jump-after 3",
       {.field = field, .sampler = find_sampler("dpm2"), .levels = {80, 9, 3, 1}, .jump = true}},
  };
  const std::vector<std::uint64_t> seeds = {0, 1, 2, 3, 4};
  int number = 0;
  for (const Case& c : cases) {
    const std::string out = "run" + std::to_string(number++);
    const std::string common = "sample --data points8.txt --noise z.npy --dtype f64 --save-trajectory ";
    const std::string sigmas =
        std::string(c.flags).find("--end") == std::string::npos ? "80,9,3,1,0.4,0.1,0" : "80,9,3,1,0.4,0.1";
    const auto result = run_command(common + c.flags + " --batch 3 --sigmas " + sigmas + " --out " + out, folder);
    ASSERT_EQ(result.status, 0) << result.err;
    Rows noise(5, 2);
    std::ranges::copy(kLatents, noise.data());
    const Rows start = states_from_noise(c.sampling, noise);
    States seen;
    const Samples expected = sample_from(c.sampling, {&start, 1}, seeds, {}, &seen, {});
    const auto x = read(folder / (out + "/samples.npz"), "arr_0");
    EXPECT_TRUE(std::ranges::equal(x, expected.x.values())) << c.flags;
    const auto path = read(folder / (out + "/trajectory.npz"), "x");
    const std::size_t levels = seen.states.size() + 1;
    ASSERT_EQ(path.size(), 5 * levels * 2) << c.flags;
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        for (std::size_t s = 0; s + 1 < levels; ++s) EXPECT_EQ(at(path, 5, i, s, j), seen.states[s](i, j)) << c.flags;
        EXPECT_EQ(at(path, 5, i, levels - 1, j), expected.x(i, j));
      }
    }
    auto sigma = read(folder / (out + "/trajectory.npz"), "sigma");
    sigma.pop_back();
    EXPECT_EQ(sigma, seen.sigmas) << c.flags;
    EXPECT_EQ(sigma, observed_levels(c.sampling)) << c.flags;
    const auto report = nlohmann::json::parse(file_text(folder / (out + "/report.json")));
    EXPECT_EQ(report["nfe"], expected.evaluations[0]) << c.flags;
  }
}

TEST(GivenNoise, TrajectoriesAreThoseOfOtherSystems) {
  const Oracle* oracle = Oracle::find();
  if (!oracle) GTEST_SKIP() << Oracle::kAbsent;
  const TestFolder folder;
  write_points8(folder);
  write_array(folder / "z.npy", {6, 2}, oracle->at("cases/pts8/z").values);
  write_array(folder / "noise.npy", {30, 6, 2}, oracle->at("k_diffusion/pts8/noise").values);
  const auto joined = [](const std::vector<double>& numbers) {
    std::string text;
    for (const double number : numbers) text += (text.empty() ? "" : ",") + fmt::format("{}", number);
    return text;
  };
  const std::string k = joined(oracle->at("k_diffusion/pts8/karras7/n10/sigmas").values);
  struct Case {
    const char* key;
    std::string flags;
  };
  const std::string stamps = "--end sigma-min --steps 11 --solver ";
  const Case cases[] = {
      {"diff_sampler/pts8/polynomial7/N11/euler", stamps + "euler"},
      {"diff_sampler/pts8/polynomial7/N11/euler_afs", stamps + "euler --afs"},
      {"diff_sampler/pts8/polynomial7/N11/heun", stamps + "heun"},
      {"diff_sampler/pts8/polynomial7/N11/ipndm_o3", stamps + "ipndm3"},
      {"diff_sampler/pts8/time_uniform1/N11/euler", stamps + "euler --schedule vp-uniform"},
      {"diff_sampler/pts8/logsnr1/N11/deis_rhoab_o3", stamps + "ab3 --schedule logsnr"},
      {"diff_sampler/pts8/polynomial1/N11/euler", stamps + "euler --schedule linear"},
      {"k_diffusion/pts8/karras7/n10/euler", "--solver euler --sigmas " + k},
      {"k_diffusion/pts8/karras7/n10/heun", "--solver heun --sigmas " + k},
      {"k_diffusion/pts8/karras7/n10/lms", "--solver lms --sigmas " + k},
      {"k_diffusion/pts8/karras7/n10/euler_ancestral", "--solver ancestral --step-noise noise.npy --sigmas " + k},
  };
  int number = 0;
  for (const Case& c : cases) {
    const std::string out = "run" + std::to_string(number++);
    const auto result = run_command(
        "sample --data points8.txt --noise z.npy --dtype f64 --save-trajectory --out " + out + " " + c.flags, folder);
    ASSERT_EQ(result.status, 0) << c.key << result.err;
    const auto expected = oracle->at(c.key);
    const auto x = read(folder / (out + "/trajectory.npz"), "x");
    ASSERT_EQ(x.size(), expected.values.size()) << c.key;
    const std::size_t levels = expected.shape[0];
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t s = 0; s < levels; ++s) {
        for (std::size_t j = 0; j < 2; ++j) {
          const double other = expected.values[(s * 6 + i) * 2 + j];
          // Both are in double: rounding of states up to 200 and of levels from other formulas (1e-14 relative), grown
          // by the field's expansion between the rows, at most some hundreds over a whole run.
          EXPECT_NEAR(at(x, 6, i, s, j), other, 1e-10) << c.key << " sample " << i << " level " << s;
        }
      }
    }
  }
}

TEST(GivenNoise, BatchesThreadsResumeAndConfigGiveTheSameBits) {
  const TestFolder folder;
  write_points8(folder);
  write_array(folder / "z.npy", {5, 2}, kLatents);
  std::vector<double> draws(6 * 5 * 2);
  for (std::size_t i = 0; i < draws.size(); ++i) draws[i] = std::sin(static_cast<double>(7 * i));
  write_array(folder / "steps.npy", {6, 5, 2}, draws);
  const std::string common =
      "sample --data points8.txt --noise z.npy --step-noise steps.npy --solver em --steps 5 --sigma-max 10 "
      "--save-trajectory --dtype f64";
  const auto whole = run_command(common + " --out a", folder);
  ASSERT_EQ(whole.status, 0) << whole.err;
  ASSERT_EQ(run_command(common + " --batch 2 --threads 1 --out b", folder).status, 0);
  ASSERT_EQ(run_command("sample --config a/config.json --out c", folder).status, 0);
  for (const char* name : {"samples.npz", "trajectory.npz", "posterior.npz", "report.json"}) {
    const std::string expected = file_text(folder / (std::string("a/") + name));
    EXPECT_EQ(file_text(folder / (std::string("b/") + name)), expected) << name;
    EXPECT_EQ(file_text(folder / (std::string("c/") + name)), expected) << name;
  }
  const auto config = nlohmann::json::parse(file_text(folder / "a/config.json"));
  EXPECT_EQ(config["options"]["seeds"], "0-4");
  EXPECT_EQ(config["noise_digest"].get<std::string>().size(), 64u);
  EXPECT_EQ(config["step_noise_digest"].get<std::string>().size(), 64u);
  EXPECT_EQ(run_command("sample --resume a", folder).status, 0);
  draws[3] = 0.5;
  write_array(folder / "steps.npy", {6, 5, 2}, draws);
  const auto changed = run_command("sample --resume a", folder);
  EXPECT_EQ(changed.status, 2);
  EXPECT_THAT(changed.err, HasSubstr("step_noise_digest"));
}

TEST(GivenNoise, RowsAreNoisedToWhereTheyStart) {
  const TestFolder folder;
  write_points8(folder);
  std::ofstream(folder / "rows.txt") << "0.5 0.25\n-1 2\n";
  const auto result = run_command(
      "sample --data points8.txt --init rows.txt --sigma-start 0.75 --seeds 4,9 --dtype f64 --save-trajectory --out a",
      folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("start: the given rows, with noise to sigma = 0.75"));
  const auto x = read(folder / "a/trajectory.npz", "x");
  const std::vector<std::uint64_t> seeds = {4, 9};
  const Rows noise = initial_noise(seeds, 2);
  const double rows[2][2] = {{0.5, 0.25}, {-1, 2}};
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) EXPECT_EQ(at(x, 2, i, 0, j), rows[i][j] + 0.75 * noise(i, j));
  }
  EXPECT_EQ(read(folder / "a/posterior.npz", "sigma").front(), 0.75);
  EXPECT_TRUE(nlohmann::json::parse(file_text(folder / "a/report.json"))["start_mismatch_nats"].is_null());
}

TEST(GivenNoise, WhatTheFieldWasNotAskedIsNotANumber) {
  const TestFolder folder;
  const auto result =
      run_command("sample --data ring:n=50 --sigma-max 20 --afs --jump-after 4 --seeds 0-3 --out a", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("   0          20          -             -              -\n"));
  const auto entropy = read(folder / "a/posterior.npz", "entropy");
  ASSERT_EQ(entropy.size(), 4u * 5);  // every level but the last, and the one of the jump
  for (std::size_t i = 0; i < entropy.size(); ++i) EXPECT_EQ(std::isnan(entropy[i]), i % 5 == 0) << i;
  std::istringstream lines(file_text(folder / "a/stats.jsonl"));
  std::string line;
  std::getline(lines, line);
  EXPECT_TRUE(nlohmann::json::parse(line)["entropy"].is_null());
  const auto report = nlohmann::json::parse(file_text(folder / "a/report.json"));
  EXPECT_EQ(report["nfe"], 8);  // four steps of two, one less, and the jump
}

TEST(GivenNoise, RefusesWithTheReason) {
  const TestFolder folder;
  write_points8(folder);
  write_array(folder / "z.npy", {5, 2}, kLatents);
  write_array(folder / "flat.npy", {2, 5}, kLatents);
  std::vector<double> broken(kLatents.begin(), kLatents.end());
  broken[7] = std::numeric_limits<double>::quiet_NaN();
  write_array(folder / "nan.npy", {5, 2}, broken);
  write_array(folder / "steps_nan.npy", {1, 5, 2}, broken);
  write_array(folder / "steps.npy", {1, 5, 2}, kLatents);
  write_npy<std::uint8_t>(folder / "bytes.npy", std::vector<std::size_t>{5, 2}, std::vector<std::uint8_t>(10, 1));
  const auto refused = [&](const std::string& flags, const std::string& why) {
    const auto result = run_command("sample --data points8.txt --out run " + flags, folder);
    EXPECT_EQ(result.status, 2) << flags;
    EXPECT_THAT(result.err, HasSubstr(why)) << flags;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "run")) << flags;
  };
  refused("--noise flat.npy", "flat.npy: rows of shape [5]");
  refused("--noise nan.npy", "nan.npy: row 3");
  refused("--noise bytes.npy", "bytes.npy: noise is float32 or float64, and this is uint8");
  refused("--noise points8.txt", "points8.txt: noise is read from .npy");
  refused("--noise none.npy", "none.npy");
  refused("--noise z.npy --seeds 0-3", "5 rows for 4 samples");
  refused("--noise z.npy --start exact", "--start exact");
  refused("--start process", "--process vp");
  refused("--step-noise steps.npy", "heun solves an ODE");
  refused("--solver em --step-noise steps.npy", "steps.npy: the run asks for more noise than the 1 draws");
  refused("--solver em --step-noise z.npy", "z.npy: shape [5, 2]; the noise of the steps is [draws, N, 2]");
  refused("--solver em --step-noise steps_nan.npy", "steps_nan.npy: draw 0, row 3");
  refused("--solver em --steps 2 --noise z.npy --step-noise steps.npy --seeds 1-5 --init z.npy", "--init: say");
  refused("--init z.npy --sigma-start 2 --start exact", "drop one");
  refused("--init z.npy --sigma-start 2 --sigmas 3,1,0", "the noise levels start at 3");
  refused("--init flat.npy --sigma-start 2", "rows of shape [5]");
  refused("--sigma-start 2", "--init");
  refused("--init z.npy --sigma-start -2", "no number above 0");
  refused("--jump-after 18", "give 1 to 17");
  refused("--jump-after 0", "give 1 to 17");
  refused("--sigmas 5,0 --jump-after 1", "take more levels");
  refused("--afs --sigmas inf,5,0", "sigma = inf");
  refused("--solver euler --r 0.5", "--r: euler does not read it; it reads no option");
  refused("--solver heun --eta 0", "--eta: heun does not read it; it reads --r");
  refused("--solver heun --lower-order-final", "does not read it");
  refused("--solver ab4 --sigmas 5,1,0", "order 4 needs at least 4 steps");
  refused("--solver ab2 --S-churn 3", "without memory");
  refused("--solver em --S-churn 3", "without memory");
  refused("--S-churn -1", "no number from 0 on");
  refused("--S-noise 1.1", "--S-churn");
  refused("--process vq", "did you mean");
  refused("--process vp:0.1", "beta_min,beta_max");
  refused("--process ve", "it has noise from sigma = 0.01 to 50");
  refused("--schedule kosine", "did you mean 'cosine'");
  refused("--schedule ddpm --steps 999", "take fewer steps");
  refused("--process ddpm:10.5,1e-4,0.02", "2 to 1000000 steps");
}

}  // namespace
}  // namespace scorefield

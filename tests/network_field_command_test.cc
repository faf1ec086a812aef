// A network is a field like any other: scorefield schedule, solvers and guidance with --model.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/random.h"
#include "scorefield/data/npz.h"
#include "scorefield/learn/library.h"
#include "tests/command.h"
#include "tests/paths.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const std::string kModels = SCOREFIELD_SOURCE_DIR "/tests/models/";  // made by make.py there

/// The law that gaussian-eps.pt has learnt, in data units: N(mean, deviation^2) of each value.
constexpr std::array kMean = {-0.5, 0.2, 0.6, 0.0};
constexpr std::array kDeviation = {0.1, 0.4, 0.2, 0.6};
constexpr double kSigmaMax = 80;
/// Between two entries of its table the network takes sigma^2 to go linearly, and the declared process log sigma. Of
/// the first two, 0.02 and 0.03, the two are up to 4 % apart, so eps is; over that way, where eps is at most 0.03 |x -
/// mean|/deviation^2 with |x - mean| below 4 deviations of 0.1, this makes 0.01 * 0.04 * 1.2. All later ones together
/// make less, as does rounding.
constexpr double kBetweenEntries = 1e-3;

class NetworkField : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = why_no_networks(); !missing.empty()) GTEST_SKIP() << missing;
    fs::copy_file(kModels + "gaussian-eps.pt", folder_ / "net.pt");
    fs::copy_file(kModels + "gaussian-eps.json", folder_ / "net.json");
    // Knows three classes and no "no class".
    fs::copy_file(kModels + "classes.pt", folder_ / "classes.pt");
    std::ofstream(folder_ / "classes.json")
        << R"({"predicts": "eps", "process": "ddpm-linear", "time": "step/1000", "shape": [1, 2, 2], "classes": 3})";
  }

  CommandResult run(const std::string& arguments) const { return run_command(arguments, folder_); }
  json read(const std::string& file) const { return json::parse(file_text(folder_ / file)); }
  /// A network that was told the classes of a ring, in run/model.safetensors.
  void train() const {
    const auto result =
        run("train --data ring:n=50 --conditional --width 8 --layers 1 --batch 16 --steps 20 --out run");
    ASSERT_EQ(result.status, 0) << result.err;
  }
  /// Refused in one line with the reason, and nothing is left.
  void refuses(const std::string& arguments, const std::string& reason) const {
    const CommandResult result = run(arguments + " --out refused");
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr(reason)) << arguments;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(fs::exists(folder_ / "refused")) << arguments;
  }

  TestFolder folder_;
};

/// x - mean at the first level: the states of a seed start as 80 n.
std::array<double, 4> start_of(std::uint64_t seed) {
  std::array<double, 4> x{};
  RandomStream(seed, Purpose::kInitialNoise).normals(x);
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = kSigmaMax * x[k] - kMean[k];
  return x;
}

/// The share of x - mean that D leaves.
double denoised_share(std::size_t k, double sigma) {
  const double v = kDeviation[k] * kDeviation[k];
  return v / (v + sigma * sigma);
}

/// Where the flow of the Gaussian goes down to `last`, and from there to D.
std::array<double, 4> flow_end(std::uint64_t seed, double last) {
  std::array<double, 4> x = start_of(seed);
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double v = kDeviation[k] * kDeviation[k];
    x[k] *= std::sqrt((v + last * last) / (v + kSigmaMax * kSigmaMax)) * denoised_share(k, last);
  }
  return x;
}

/// By Euler's steps between the levels.
std::array<double, 4> euler_end(std::uint64_t seed, const std::vector<double>& levels) {
  std::array<double, 4> x = start_of(seed);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    for (std::size_t k = 0; k < x.size(); ++k) {
      x[k] *= 1 + (levels[i + 1] / levels[i] - 1) * (1 - denoised_share(k, levels[i]));
    }
  }
  return x;
}

TEST_F(NetworkField, SolversAreHeldAgainstItsFlowWithoutData) {
  const CommandResult result =
      run("solvers --model net.pt --solvers euler,heun --schedules polynomial,logsnr --nfe 4,7 --seeds 0-7 "
          "--reference-tolerance 1e-4 --out s");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("field: the network of net.pt"));
  EXPECT_THAT(result.out, HasSubstr("reference: rk45 on the network's float32"));
  EXPECT_THAT(result.out, HasSubstr("smaller errors than that are not told apart"));
  EXPECT_THAT(result.out, HasSubstr("below sigma = 0.02"));
  EXPECT_THAT(result.out, HasSubstr("evaluations were not made again"));
  for (const char* absent : {"sliced W2:", "other row", "other_row.png"})
    EXPECT_THAT(result.out, Not(HasSubstr(absent)));
  EXPECT_FALSE(fs::exists(folder_ / "s/other_row.png"));
  EXPECT_FALSE(fs::exists(folder_ / "s/sliced_wasserstein.png"));
  EXPECT_TRUE(fs::exists(folder_ / "s/front.png"));

  const json report = read("s/report.json");
  EXPECT_EQ(report["reference"]["precision"], "float32");
  EXPECT_TRUE(report["sliced_wasserstein"].is_null());
  const double last = report["reference"]["last_level"];
  EXPECT_NEAR(last, 2 * std::sqrt(1e-4 / (1 - 1e-4)), 1e-6) << "of the first beta, in data units";
  const NpzFile npz = open_npz(folder_ / "s/reference.npz");
  const Array x = npz.read("x", {});
  const Array difference = npz.read("difference", {});
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const auto exact = flow_end(seed, last);
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(x.values<double>()[4 * seed + k], kMean[k] + exact[k],
                  difference.values<double>()[seed] + kBetweenEntries);
    }
  }
  ASSERT_EQ(report["results"].size(), 8U);
  for (const json& line : report["results"]) {
    EXPECT_TRUE(line["end_point_error"]["other_row"].is_null());
    EXPECT_TRUE(line["sliced_wasserstein"].is_null());
  }
  // As often as it is asked, and by any batch.
  const json config = read("s/config.json");
  EXPECT_NEAR(config["options"]["sigma-min"].get<double>(), last, 1e-12) << "fitted to the network's";
  ASSERT_EQ(run("solvers --config s/config.json --batch 3 --threads 1 --out t").status, 0);
  EXPECT_EQ(file_text(folder_ / "s/error.csv"), file_text(folder_ / "t/error.csv"));
  EXPECT_THAT(run("solvers --resume s").out, HasSubstr("complete already"));
}

TEST_F(NetworkField, SolversHaveEverythingWhenThereAreData) {
  train();
  const std::string common =
      " --model run/model.safetensors --class 2 --sigma-max 20 --schedules vp-uniform --nfe 4,6 --seeds 0-7 ";
  const CommandResult result =
      run("solvers --data ring:n=50 --solvers dpmpp2m,posterior --projections 16" + common + "--out with");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("class 2"));
  EXPECT_THAT(result.out, HasSubstr("sliced W2: to 50 rows"));
  const json with = read("with/report.json");
  for (const json& line : with["results"]) {
    EXPECT_GT(line["sliced_wasserstein"]["value"], 0);
    EXPECT_EQ(line["end_point_error"].is_null(), line["solver"] == "posterior");
  }
  ASSERT_EQ(run("solvers --solvers dpmpp2m" + common + "--out without").status, 0);
  const json without = read("without/report.json");
  EXPECT_EQ(without["results"][0]["end_point_error"]["mean"], with["results"][0]["end_point_error"]["mean"]);
  // Guided, it is another field.
  ASSERT_EQ(run("solvers --guidance 2 --solvers dpmpp2m" + common + "--out guided").status, 0);
  EXPECT_NE(read("guided/report.json")["reference"]["scale"], without["reference"]["scale"]);
}

TEST_F(NetworkField, SchedulesAreFoundForIt) {
  const CommandResult result = run(
      "schedule --model net.pt --solver euler --nfe 4-5 --warmup 8 --seeds 0-7 --grid 25 --reference-steps 80 --out s");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("the network of net.pt: 4-5 evaluations by euler"));
  EXPECT_THAT(result.out, HasSubstr("the network's rounding to float32 included"));
  EXPECT_THAT(result.out, HasSubstr("below sigma = 0.02"));
  const json found = read("s/schedules.json");
  const double least = read("s/config.json")["options"]["sigma-min"];
  EXPECT_NEAR(least, 2 * std::sqrt(1e-4 / (1 - 1e-4)), 1e-6);
  ASSERT_EQ(found["budgets"].size(), 2U);
  for (const json& budget : found["budgets"]) {
    for (const json& trial : {budget["fixed"][0], budget["gits"], budget["own_error"]}) {
      const std::vector<double> levels = trial["sigmas"];
      EXPECT_EQ(levels.front(), kSigmaMax);
      EXPECT_GE(levels[levels.size() - 2], least);
      double mean = 0;
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        const auto end = euler_end(seed, levels);
        const auto exact = flow_end(seed, least);
        double square = 0;
        for (std::size_t k = 0; k < 4; ++k) square += (end[k] - exact[k]) * (end[k] - exact[k]);
        mean += std::sqrt(square) / 8;
      }
      EXPECT_NEAR(trial["held_out_error"]["value"], mean,
                  found["exact_end_points"]["held_out_uncertainty"].get<double>() + kBetweenEntries)
          << trial["name"];
    }
    EXPECT_TRUE(budget["settled"]);
  }
  const CommandResult sampled = run_shell(
      "\"$SCOREFIELD\" sample --model net.pt --solver euler --seeds 0-3 --sigmas $(cat s/sigmas-4.txt) --out x",
      folder_);
  EXPECT_EQ(sampled.status, 0) << sampled.err;
}

TEST_F(NetworkField, SchedulesOfAClassAreItsOwnAndRepeat) {
  train();
  const std::string common =
      "schedule --model run/model.safetensors --sigma-max 20 --solver dpmpp2m --nfe 4 --warmup 8 --seeds 0-7 --grid 15 "
      "--reference-steps 20 ";
  ASSERT_EQ(run(common + "--class 3 --out three").status, 0);
  ASSERT_EQ(run(common + "--class 1 --out one").status, 0);
  ASSERT_EQ(run(common + "--class 3 --guidance 3 --out guided").status, 0);
  ASSERT_EQ(run(common + "--out none").status, 0);
  for (const char* other : {"one", "guided", "none"}) {
    EXPECT_NE(file_text(folder_ / "three/costs.csv"), file_text(folder_ / other / "costs.csv")) << other;
  }
  ASSERT_EQ(run("schedule --config three/config.json --batch 3 --threads 1 --out again").status, 0);
  EXPECT_EQ(file_text(folder_ / "three/schedules.json"), file_text(folder_ / "again/schedules.json"));
  EXPECT_EQ(file_text(folder_ / "three/costs.npz"), file_text(folder_ / "again/costs.npz"));
  // Beside data it is the same network.
  ASSERT_EQ(run(common + "--class 3 --data ring:n=50 --out beside").status, 0);
  EXPECT_EQ(file_text(folder_ / "three/schedules.json"), file_text(folder_ / "beside/schedules.json"));
}

TEST_F(NetworkField, SaysWhereTheExactEndsAreTooUncertain) {
  const CommandResult result =
      run("schedule --model net.pt --solver heun --nfe 9 --warmup 4 --seeds 0-3 --grid 9 --reference-steps 4 --out s");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("not settled: for 9 evaluations"));
  EXPECT_FALSE(read("s/schedules.json")["budgets"][0]["settled"]);
}

TEST_F(NetworkField, GuidanceIsThatOfSample) {
  train();
  const std::string common =
      " --data ring:n=50 --model run/model.safetensors --class 1 --steps 6 --sigma-max 20 --seeds 0-7 ";
  const CommandResult result = run("guidance --scales 0,2.5" + common + "--out sweep");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("the network of run/model.safetensors"));
  const json report = read("sweep/report.json");
  EXPECT_EQ(report["scales"][1]["pure"]["of"], 8);
  EXPECT_TRUE(report["scales"][1]["tilted_variation"].is_null()) << "no law of a network is known";
  ASSERT_EQ(run("sample --guidance 2.5 --dtype f64" + common + "--out samples").status, 0);
  const Array sweep = open_npz(folder_ / "sweep/samples.npz").read("x", {});
  const Array samples = open_npz(folder_ / "samples/samples.npz").read("arr_0", {});
  const auto of_sweep = sweep.values<double>();
  ASSERT_EQ(of_sweep.size(), 2 * samples.values<double>().size());
  EXPECT_TRUE(std::ranges::equal(of_sweep.subspan(of_sweep.size() / 2), samples.values<double>()));
  EXPECT_EQ(read("sweep/config.json")["model_digest"], read("samples/config.json")["model_digest"]);
}

TEST_F(NetworkField, IsRefusedWithTheReason) {
  train();
  for (const std::string command : {"schedule --nfe 4 --warmup 4 --seeds 0-3", "solvers --nfe 4 --solvers heun"}) {
    refuses(command + " --model net.pt --data ring",
            "made for rows of shape [1, 2, 2], but ring has rows of shape [2]");
    refuses(command + " --model net.pt --law", "--law is for the field of the data");
    refuses(command + " --model net.pt --sigma-max 1000",
            "--sigma-max 1000: the network knows noise levels from sigma");
    refuses(command + " --model classes.pt", "the network always needs a class");
    refuses(command + " --predicts eps --data ring", "--model");
  }
  const std::string schedule = "schedule --nfe 4 --warmup 4 --seeds 0-3 ";
  refuses(schedule + "--model missing.pt --shape 4", "missing.pt: no such file");
  refuses(schedule + "--model net.pt --precise", "--precise is for the field of the data");
  refuses(schedule + "--model net.pt --sigma-min 0.001", "--sigma-min 0.001: the network knows");
  refuses(schedule + "--model net.pt --class 1", "has no labels");
  refuses(schedule + "--model net.pt --subset 5", "--subset is about the rows of --data");
  refuses(schedule + "--model classes.pt --class 1 --guidance 2", "the network always needs a class");
  refuses("schedule --nfe 4", "give --data, or --model, or both");
  refuses("solvers --nfe 4 --model net.pt --solvers heun,posterior",
          "without --data there is nothing to hold it against");
  refuses("solvers --nfe 4 --model net.pt --reference-tolerance 1e-6", "networks answer in float32");
  refuses("guidance --model run/model.safetensors --class 1", "--data");
  refuses("guidance --data mixture:d=3,rank=1,n=20 --class 1 --model run/model.safetensors", "shape");
  refuses("guidance --data ring --law --class 1 --model run/model.safetensors", "--law is for the field of the data");
  refuses("guidance --data ring --class 1 --classifier exact --model run/model.safetensors", "are not known");
}

}  // namespace
}  // namespace scorefield

// scorefield encode, as a user runs it.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "scorefield/data/npy.h"
#include "scorefield/data/npz.h"
#include "scorefield/data/png.h"
#include "tests/command.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

std::vector<double> read(const std::filesystem::path& path, const char* key) {
  const Array array = open_npz(path).read(key, {});
  return {array.values<double>().begin(), array.values<double>().end()};
}

nlohmann::json report_of(const std::filesystem::path& run) {
  return nlohmann::json::parse(file_text(run / "report.json"));
}

TEST(EncodeCommand, OneRowIsEncodedExactly) {
  const TestFolder folder;
  // D = c everywhere, so x(sigma) = c + (sigma/sigma_min) (x - c), which Euler's method follows exactly.
  std::ofstream(folder / "one.txt") << "1 -2\n";
  std::ofstream(folder / "rows.txt") << "1.5 -2\n1 -2.25\n1 -2\n";
  const auto result = run_command(
      "encode --data one.txt --input rows.txt --solver euler --sigma-min 0.5 --sigma-max 40 --steps 9 --out a", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  const Array latents = read_npy_array(map_blob(folder / "a/latents.npy"), {});
  ASSERT_EQ(latents.shape, (std::vector<std::size_t>{3, 2}));
  const double expected[3][2] = {
      {1.0 / 40 + 0.5 / 0.5, -2.0 / 40}, {1.0 / 40, -2.0 / 40 - 0.25 / 0.5}, {1.0 / 40, -0.05}};
  // Eight steps of a few roundings each, of states up to 40, over sigma_max = 40.
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(latents.values<double>()[i], expected[i / 2][i % 2], 1e-14) << i;
  const auto trip = report_of(folder / "a")["round_trip_error"];
  EXPECT_LT(trip["largest_coordinate"], 1e-13);  // the roundings, shrunk by 80 and none amplified
  EXPECT_EQ(report_of(folder / "a")["nfe_up"], 8);
  EXPECT_EQ(report_of(folder / "a")["nfe_down"], 8);
}

TEST(EncodeCommand, TheErrorFallsAtTheOrderOfTheSolver) {
  const TestFolder folder;
  std::vector<double> error;
  for (const char* steps : {"21", "41", "81"}) {
    const auto result =
        run_command(std::string("encode --data ring:n=100 --solver heun --sigma-min 0.3 --sigma-max 10 --out ") +
                        steps + " --steps " + steps,
                    folder);
    ASSERT_EQ(result.status, 0) << result.err;
    error.push_back(report_of(folder / steps)["round_trip_error"]["rms"]);
  }
  // The way back takes the same levels, so errors of even order cancel between the ways (Heun's method is symmetric up
  // to one order more): at least second order, a factor of 4 when the steps are halved; 10 % for what is of higher
  // order still.
  EXPECT_GT(error[0] / error[1], 3.6);
  EXPECT_GT(error[1] / error[2], 3.6);
}

TEST(EncodeCommand, ItsLatentsAreNoiseForSample) {
  const TestFolder folder;
  const std::string common = " --data ring:n=100 --solver rk4 --sigma-max 10 --steps 20 --process vp ";
  ASSERT_EQ(run_command("encode" + common + "--rows 0-9,50 --out a", folder).status, 0);
  const auto back =
      run_command("sample" + common + "--noise a/latents.npy --end sigma-min --dtype f64 --out b", folder);
  ASSERT_EQ(back.status, 0) << back.err;
  EXPECT_EQ(read(folder / "b/samples.npz", "arr_0"), read(folder / "a/encoding.npz", "returned"));
  const auto input = read(folder / "a/encoding.npz", "input");
  const auto returned = read(folder / "a/encoding.npz", "returned");
  const auto error = read(folder / "a/encoding.npz", "error");
  ASSERT_EQ(error.size(), 11u);
  double largest = 0;
  for (std::size_t i = 0; i < 11; ++i) {
    const double away = std::hypot(returned[2 * i] - input[2 * i], returned[2 * i + 1] - input[2 * i + 1]);
    EXPECT_NEAR(error[i], away / std::sqrt(2), 1e-15 * away);
    largest = std::max(largest, error[i]);
  }
  EXPECT_EQ(report_of(folder / "a")["round_trip_error"]["largest"], largest);
  EXPECT_TRUE(std::filesystem::exists(folder / "a/encoding.png"));
}

TEST(EncodeCommand, BatchesThreadsAndConfigGiveTheSameBits) {
  const TestFolder folder;
  const std::string common = "encode --data mixture:n=300,d=12 --sigma-max 20 --sigma-min 0.1 --rows 0-20 ";
  ASSERT_EQ(run_command(common + "--out a", folder).status, 0);
  ASSERT_EQ(run_command(common + "--batch 4 --threads 1 --out b", folder).status, 0);
  ASSERT_EQ(run_command("encode --config a/config.json --out c", folder).status, 0);
  for (const char* name : {"latents.npy", "encoding.npz", "report.json"}) {
    const std::string expected = file_text(folder / (std::string("a/") + name));
    EXPECT_EQ(file_text(folder / (std::string("b/") + name)), expected) << name;
    EXPECT_EQ(file_text(folder / (std::string("c/") + name)), expected) << name;
  }
  EXPECT_THAT(run_command("encode --resume a", folder).out, HasSubstr("complete already"));
}

TEST(EncodeCommand, AnInterruptedRunGoesOn) {
  const TestFolder folder;
  const std::string common = "encode --data ring:n=300 --sigma-max 20 --rows 0-299 --batch 2 --steps 60";
  ASSERT_EQ(run_command(common + " --out whole", folder).status, 0);
  const auto stopped = run_shell("\"$SCOREFIELD\" " + common +
                                     " --out part & pid=$!; "
                                     "until [ -s part/partial/rows.f64 ]; do sleep 0.01; kill -0 $pid || exit 9; done; "
                                     "kill -INT $pid; wait $pid",
                                 folder);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("of 300 rows are finished; go on with: scorefield encode --resume part"));
  const auto again = run_command("encode --resume part", folder);
  ASSERT_EQ(again.status, 0) << again.err;
  for (const char* name : {"latents.npy", "encoding.npz", "report.json"}) {
    EXPECT_EQ(file_text(folder / (std::string("whole/") + name)), file_text(folder / (std::string("part/") + name)));
  }
}

TEST(EncodeCommand, ShowsImages) {
  const TestFolder folder;
  std::vector<std::uint8_t> pixels(10 * 6 * 6);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(37 * i % 251);
  write_npy<std::uint8_t>(folder / "images.npy", std::vector<std::size_t>{10, 6, 6}, pixels);
  const auto both = run_command("encode --data images.npy --rows 0-3 --sigma-min 0.5 --out both", folder);
  ASSERT_EQ(both.status, 0) << both.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "both/encoding.png"));
  // Flat rows in data units are taken too.
  ASSERT_EQ(run_command("encode --data images.npy --input both/latents.npy --one-way --out up", folder).status, 0);
  EXPECT_TRUE(report_of(folder / "up")["round_trip_error"].is_null());
  EXPECT_EQ(report_of(folder / "up")["rows"], 4);
  EXPECT_FALSE(open_npz(folder / "up/encoding.npz").contains("returned"));
}

TEST(EncodeCommand, RefusesWithTheReason) {
  const TestFolder folder;
  std::ofstream(folder / "three.txt") << "1 2 3\n";
  const auto refused = [&](const std::string& flags, const std::string& why) {
    const auto result = run_command("encode --data ring:n=100 --out run " + flags, folder);
    EXPECT_EQ(result.status, 2) << flags;
    EXPECT_THAT(result.err, HasSubstr(why)) << flags;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "run")) << flags;
  };
  refused("--sigmas 5,1 --steps 3", "--sigmas excludes --steps");
  refused("--solver em", "solver of the ODE");
  refused("--solver huen", "did you mean 'heun'?");
  refused("--rows 0-999", "has the rows 0 to 99");
  refused("--rows 5-3", "--rows 5-3");
  refused("--sigmas inf,2,1", "finite noise levels");
  refused("--sigmas 5,1,0", "drop the 0");
  refused("--sigmas 1,5", "from large to small");
  refused("--input three.txt", "rows of shape [3]");
  refused("--held-out three.txt", "shape");
  refused("--input three.txt --held-out three.txt", "excludes");
  refused("--label 70", "go from 0 to 7");
  refused("--process ve", "it has noise from sigma = 0.01");
  refused("--solver ab4 --sigmas 5,2,1", "at least 4 steps");
  refused("--solver euler --r 0.5", "it reads no option");
  refused("--memory-limit 1K", "memory");
}

}  // namespace
}  // namespace scorefield

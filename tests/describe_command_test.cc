// The whole describe command: what it prints, what it writes, how it refuses.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scorefield/data/blob.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/data/png.h"
#include "tests/command.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

/// [N, H, W, C] as ADM writes them, with labels i % 2; row 1 equals row 0.
void write_images(const fs::path& path, std::size_t n, std::size_t size) {
  std::vector<std::uint8_t> pixels(n * size * size * 3);
  for (std::size_t k = 0; k < pixels.size(); ++k) pixels[k] = static_cast<std::uint8_t>(k * 2654435761U >> 24);
  const std::size_t row = size * size * 3;
  std::copy_n(pixels.begin(), row, pixels.begin() + static_cast<std::ptrdiff_t>(row));
  std::vector<std::int64_t> labels(n);
  for (std::size_t i = 0; i < n; ++i) labels[i] = static_cast<std::int64_t>(i % 2);
  NpzWriter writer(path);
  writer.add_array<std::uint8_t>("arr_0", std::vector<std::size_t>{n, size, size, 3}, pixels);
  writer.add_array<std::int64_t>("arr_1", std::vector<std::size_t>{n}, labels);
  writer.finish();
}

void write_points(const fs::path& path, std::size_t n, std::size_t d, double scale) {
  std::vector<double> values(n * d);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = scale * static_cast<double>(k * 2654435761U % 1000);
  NpzWriter writer(path);
  writer.add_array<double>("arr_0", std::vector<std::size_t>{n, d}, values);
  writer.finish();
}

bool is_whole_png(const fs::path& path) {
  return read_png(map_blob(path), {}).image.height > 0;
}

TEST(DescribeCommand, WritesAFolderAndPrintsItsPathLast) {
  const TestFolder folder;
  write_images(folder / "train.npz", 30, 4);
  write_images(folder / "test.npz", 12, 4);
  const CommandResult result = run_command("describe --data train.npz --held-out test.npz", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "") << "no progress where there is no terminal";
  EXPECT_NE(result.out.find("30 images of shape [3, 4, 4], stored as uint8"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("exact: 1 rows repeat others"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("labels differ in 1 of them"), std::string::npos) << result.out;
  const std::string last = "runs/00000-describe-train.npz\n";
  ASSERT_GE(result.out.size(), last.size());
  EXPECT_EQ(result.out.substr(result.out.size() - last.size()), last);
  const fs::path run = folder / "runs/00000-describe-train.npz";
  for (const char* name :
       {"rows.png", "distances.png", "duplicates.png", "closest_pairs.png", "held_out_closest.png", "spectrum.png"}) {
    EXPECT_TRUE(is_whole_png(run / name)) << name;
    EXPECT_NE(result.out.find(name), std::string::npos) << name;
  }
  const auto json = nlohmann::json::parse(file_text(run / "describe.json"));
  EXPECT_EQ(json["data"]["rows"], 30);
  EXPECT_EQ(json["held_out"]["rows"], 12);
  EXPECT_EQ(json["exact_duplicates"]["groups"][0], (std::vector<int>{0, 1}));
  // Bytes 0, 1, ... of both files are the same, so the held-out rows are all training rows.
  EXPECT_EQ(json["held_out"]["equal"]["count"], 12);
  EXPECT_EQ(json["labels"].size(), 2U);
  const auto config = nlohmann::json::parse(file_text(run / "config.json"));
  EXPECT_EQ(config["command"], "describe");
  EXPECT_EQ(config["data"]["digest"], json["data"]["digest"]);
  for (const auto& entry : fs::directory_iterator(run)) {
    EXPECT_EQ(entry.path().string().find(".part-"), std::string::npos) << "left behind: " << entry.path();
  }
}

TEST(DescribeCommand, RepeatsBitForBitFromItsConfig) {
  const TestFolder folder;
  write_points(folder / "points.npz", 200, 3, 0.25);
  ASSERT_EQ(run_command("describe --data points.npz --rows 50 --seed 7 --threads 1 --out first", folder).status, 0);
  ASSERT_EQ(run_command("describe --config first/config.json --threads 2 --out second", folder).status, 0);
  EXPECT_EQ(file_text(folder / "first/describe.json"), file_text(folder / "second/describe.json"));
  EXPECT_EQ(file_text(folder / "first/rows.png"), file_text(folder / "second/rows.png"));
  EXPECT_EQ(file_text(folder / "first/distances.csv"), file_text(folder / "second/distances.csv"));
}

TEST(DescribeCommand, FlagsOverrideAConfigAlsoWhereTheyExcludeEachOther) {
  const TestFolder folder;
  write_points(folder / "points.npz", 200, 3, 0.25);
  const auto options = [&](const std::string& arguments, const std::string& out) {
    const CommandResult result = run_command("describe " + arguments + " --out " + out, folder);
    EXPECT_EQ(result.status, 0) << arguments << ": " << result.err;
    return nlohmann::json::parse(file_text(folder / (out + "/config.json")))["options"];
  };
  EXPECT_EQ(options("--data points.npz --exhaustive", "all")["exhaustive"], true);
  const nlohmann::json fifty = options("--config all/config.json --rows 50", "fifty");
  EXPECT_EQ(fifty["exhaustive"], false);
  EXPECT_EQ(fifty["rows"], 50);
  const nlohmann::json again = options("--config=fifty/config.json --exhaustive", "again");
  EXPECT_EQ(again["exhaustive"], true);
  EXPECT_FALSE(again.contains("rows"));
  EXPECT_EQ(options("--config all/config.json --exhaustive=false", "some")["exhaustive"], false);
}

TEST(DescribeCommand, PrintsJsonForMachines) {
  const TestFolder folder;
  write_points(folder / "points.npz", 40, 2, 1.0);
  const CommandResult result = run_command("describe --data points.npz --json --out run", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out), nlohmann::json::parse(file_text(folder / "run/describe.json")));
}

TEST(DescribeCommand, TakesEveryKindOfData) {
  const TestFolder folder;
  write_points(folder / "line.npz", 50, 1, 1.0);
  write_points(folder / "plane.npz", 50, 2, 1e6);
  write_points(folder / "many.npz", 50, 40, 1.0);
  write_points(folder / "one.npz", 1, 5, 1.0);
  write_points(folder / "two.npz", 2, 5, 1.0);
  write_points(folder / "zeros.npz", 20, 3, 0.0);
  write_images(folder / "large.npz", 3, 64);
  for (const char* name : {"line", "plane", "many", "one", "two", "zeros", "large"}) {
    const std::string out = std::string("run-") + name;
    const CommandResult result = run_command("describe --data " + std::string(name) + ".npz --out " + out, folder);
    EXPECT_EQ(result.status, 0) << name << ": " << result.err;
    EXPECT_TRUE(is_whole_png(folder / (out + "/rows.png"))) << name;
    EXPECT_EQ(result.out.find("nan"), std::string::npos) << name << ":\n" << result.out;
    EXPECT_EQ(result.out.find("inf"), std::string::npos) << name << ":\n" << result.out;
  }
}

TEST(DescribeCommand, StopsAtCtrlCAndSaysHowToGoOn) {
  const TestFolder folder;
  write_points(folder / "points.npz", 100000, 20, 1.0);  // 1e10 distances: seconds on any machine
  const CommandResult stopped = run_shell(
      // Stopped once the folder is there: a fixed time would be too early on a busy machine.
      "\"$SCOREFIELD\" describe --data points.npz --exhaustive --out run & "
      "for _ in $(seq 1200); do [ ! -e run/config.json ] || break; sleep 0.05; done; kill -INT $!; wait $!",
      folder);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_NE(stopped.err.find("--config run/config.json --out run"), std::string::npos) << stopped.err;
  EXPECT_FALSE(fs::exists(folder / "run/describe.json"));
}

TEST(DescribeCommand, TakesNamesThatAreNotUtf8) {
  const TestFolder folder;
  for (const char* name : {"photos/\xe9t\xe9/a.png", "photos/b/a.png", "photos/b/\xff.txt"}) {
    fs::create_directories((folder / name).parent_path());
    if (std::string_view(name).ends_with(".png")) {
      write_png(folder / name, {2, 2, 1, {0, 1, 2, 3}});
    } else {
      std::ofstream(folder / name) << "text";
    }
  }
  const CommandResult result = run_command("describe --data photos --json --out run", folder);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["labels"][1]["name"], "\xEF\xBF\xBDt\xEF\xBF\xBD");
  // A config must name the data as they are: it could not be repeated.
  fs::rename(folder / "photos", folder / "photos\xff");
  const CommandResult refused = run_command("describe --data photos\xff --out other", folder);
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("not UTF-8"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(folder / "other"));
}

struct Refusal {
  const char* arguments;
  const char* expected;
};

TEST(DescribeCommand, RefusesWithOneLineAndLeavesNothing) {
  const TestFolder folder;
  write_images(folder / "images.npz", 4, 4);
  write_images(folder / "larger.npz", 4, 8);
  write_points(folder / "points.npz", 4, 3, 1.0);
  for (const auto& [arguments, expected] : std::vector<Refusal>{
           {"--data missing.npz", "missing.npz"},
           {"--data images.npz --held-out larger.npz", "[3, 4, 4]"},
           {"--data images.npz --held-out larger.npz", "[3, 8, 8]"},
           {"--data points.npz --held-out images.npz", "shape"},
           {"--data images.npz --held-out missing.npz", "missing.npz"},
           {"--data points.npz --classes 1", "labels"},
           {"--data points.npz --rows 0", "--rows"},
           {"--data images.npz --resolution -1", "--resolution"},
           {"--data images.npz --resolution 65536", "--resolution"},
           {"--data images.npz --resolution 4294967296", "--resolution"},
           {"--data images.npz --resolution 18446744073709551615", "--resolution"},
           {"--data images.npz --subset -1", "--subset"},
           {"--data images.npz --seed -1", "--seed"},
           {"--data points.npz --rows 3 --exhaustive", "--exhaustive"},
           {"", "--data"},
       }) {
    const CommandResult result = run_command(std::string("describe ") + arguments, folder);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_NE(result.err.find(expected), std::string::npos) << arguments << ": " << result.err;
    EXPECT_FALSE(fs::exists(folder / "runs")) << arguments;
  }
  // A folder with something else in it is not overwritten.
  std::ofstream(folder / "mine.txt") << "mine";
  fs::create_directory(folder / "taken");
  fs::rename(folder / "mine.txt", folder / "taken/mine.txt");
  EXPECT_EQ(run_command("describe --data points.npz --out taken", folder).status, 2);
  EXPECT_EQ(file_text(folder / "taken/mine.txt"), "mine");
}

}  // namespace
}  // namespace scorefield

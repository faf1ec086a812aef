#include "scorefield/run/run_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/base/version.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

class RunFolderTest : public testing::Test {
 protected:
  static std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  static void put(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

  TestFolder root_;
};

TEST_F(RunFolderTest, NumbersGoUpFromTheHighest) {
  const fs::path runs = root_ / "a" / "runs";
  EXPECT_EQ(RunFolder::make_numbered(runs, "sample-fashion-mnist").path(), runs / "00000-sample-fashion-mnist");
  EXPECT_EQ(RunFolder::make_numbered(runs, "x").path(), runs / "00001-x");
  fs::create_directory(runs / "00041-other");
  fs::create_directory(runs / "77-notarun");
  EXPECT_EQ(RunFolder::make_numbered(runs, "../data/x y.npz").path(), runs / "00042-..-data-x-y.npz");
}

TEST_F(RunFolderTest, ANewFolderHoldsItsConfigAndVersion) {
  RunFolder run = RunFolder::take(root_ / "new" / "run");
  EXPECT_FALSE(run.resumed());
  run.begin({{"steps", 18}});
  EXPECT_EQ(read_json(run / "config.json", {}), (nlohmann::json{{"steps", 18}, {"version", version()}}));
}

TEST_F(RunFolderTest, AFolderWithOtherThingsIsRefusedAndLeftAsItWas) {
  put(root_ / "thesis.tex", "x");
  EXPECT_NE(error_of([&] { RunFolder::take(root_); }).find("thesis.tex"), std::string::npos);
  EXPECT_FALSE(fs::exists(root_ / ".lock"));
  EXPECT_NE(error_of([&] { RunFolder::take(root_ / "thesis.tex"); }).find("is a file"), std::string::npos);
}

TEST_F(RunFolderTest, ResumesTheSameConfigOnly) {
  const double infinity = std::numeric_limits<double>::infinity();
  const nlohmann::json config = {{"data", {{"digest", "aa"}}}, {"steps", 2}, {"sigma_max", infinity}};
  {
    RunFolder run = RunFolder::take(root_);
    run.begin(config);
    run.mark_done("3");
    run.mark_done("3");
    fs::create_directory(root_ / "images");
    put(root_ / "images" / "samples.npz.part-1-0", "half");
    put(root_ / "my.part-list.txt", "kept");
  }
  {
    RunFolder run = RunFolder::take(root_);
    EXPECT_TRUE(run.resumed());
    EXPECT_TRUE(run.is_done("3"));
    EXPECT_FALSE(run.is_done("4"));
    EXPECT_FALSE(fs::exists(root_ / "images" / "samples.npz.part-1-0"));
    EXPECT_TRUE(fs::exists(root_ / "my.part-list.txt"));
    run.begin(config);
    nlohmann::json other = config;
    other["steps"] = 1;
    EXPECT_NE(error_of([&] { run.begin(other); }).find("/steps was 2 and is now 1"), std::string::npos);
    other = config;
    other["data"]["digest"] = "bb";
    EXPECT_NE(error_of([&] { run.begin(other); }).find("/data/digest was \"aa\" and is now \"bb\""), std::string::npos);
    other = config;
    other["batch"] = 8;
    EXPECT_NE(error_of([&] { run.begin(other); }).find("/batch was absent and is now 8"), std::string::npos);
    other = config;
    other.erase("data");
    EXPECT_NE(error_of([&] { run.begin(other); }).find("/data was"), std::string::npos);
  }
  EXPECT_EQ(read_json_lines(root_ / "done.jsonl", {}), (std::vector<nlohmann::json>{"3"}));
}

TEST_F(RunFolderTest, OneProcessAtATimeAndAKilledOneLeavesNoLock) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    RunFolder run = RunFolder::take(root_);
    run.begin({{"a", 1}});
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_NE(error_of([&] { RunFolder::take(root_); }).find("another process"), std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(RunFolder::take(root_).resumed());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(RunFolderTest, ABrokenConfigIsAnErrorWithThePlace) {
  put(root_ / "config.json", "{\"a\": ");
  RunFolder run = RunFolder::take(root_);
  EXPECT_NE(error_of([&] { run.begin({{"a", 1}}); }).find("config.json: not JSON at byte 7"), std::string::npos);
  put(root_ / "config.json", "[1]");
  EXPECT_NE(error_of([&] { run.begin({{"a", 1}}); }).find("not the config"), std::string::npos);
  put(root_ / "config.json", std::string(1'000'000, '[') + std::string(1'000'000, ']'));
  EXPECT_NE(error_of([&] { run.begin({{"a", 1}}); }).find("config.json: JSON that is nested"), std::string::npos);
}

TEST_F(RunFolderTest, BytesThatAreNotUtf8AreReplacedAlsoWhenARunIsResumed) {
  const nlohmann::json config = {{"note", "left out: '\xff.txt'"}};
  { RunFolder::take(root_ / "run").begin(config); }
  EXPECT_EQ(read_json(root_ / "run/config.json", {})["note"], "left out: '\xEF\xBF\xBD.txt'");
  RunFolder::take(root_ / "run").begin(config);
}

TEST_F(RunFolderTest, JsonLinesSurviveAHalfWrittenLine) {
  const fs::path file = root_ / "stats.jsonl";
  EXPECT_TRUE(read_json_lines(file, {}).empty());
  JsonLinesWriter(file).write({{"step", 1}});
  std::ofstream(file, std::ios::app) << "{\"step\": 2, \"sig";
  EXPECT_EQ(read_json_lines(file, {}), (std::vector<nlohmann::json>{{{"step", 1}}}));
  JsonLinesWriter again(file);
  again.write({{"step", 2}});
  JsonLinesWriter moved = std::move(again);
  moved.write({{"step", 3}});
  EXPECT_EQ(read_text(file, {}), "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n");
}

TEST_F(RunFolderTest, ABrokenLineInTheMiddleIsNamed) {
  put(root_ / "stats.jsonl", "1\n{oops\n3\n");
  EXPECT_NE(error_of([&] { read_json_lines(root_ / "stats.jsonl", {}); }).find("line 2"), std::string::npos);
}

TEST_F(RunFolderTest, AFileThatCannotBeWrittenIsNamed) {
  EXPECT_NE(error_of([&] { JsonLinesWriter(root_ / "none" / "x"); }).find("none/x: cannot write"), std::string::npos);
  put(root_ / "f", "");
  EXPECT_NE(error_of([&] { RunFolder::take(root_ / "f" / "x"); }).find("cannot make"), std::string::npos);
  EXPECT_NE(error_of([&] { RunFolder::take(root_ / std::string(300, 'a')); }).find("cannot make"), std::string::npos);
  fs::create_symlink("loop", root_ / "loop");
  EXPECT_NE(error_of([&] { RunFolder::take(root_ / "loop"); }).find("cannot make"), std::string::npos);
}

}  // namespace
}  // namespace scorefield

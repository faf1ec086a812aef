// Runs the built command as a user would.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace scorefield {

struct CommandResult {
  int status = -1;
  std::string out;
  std::string err;
};

/// An empty folder of the running test, removed at the end.
class TestFolder {
 public:
  TestFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ =
        std::filesystem::path(testing::TempDir()) /
        // Of this process: another run of the tests may be under way.
        (std::string("scorefield-") + test->test_suite_name() + "-" + test->name() + "-" + std::to_string(getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A line of shell in `folder`, with the command as "$SCOREFIELD".
inline CommandResult run_shell(const std::string& text, const TestFolder& folder) {
  const auto out = folder / "stdout.txt";
  const auto err = folder / "stderr.txt";
  const std::string line = "cd '" + folder.path().string() + "' && SCOREFIELD='" + SCOREFIELD_COMMAND + "' && { " +
                           text + "; } >'" + out.string() + "' 2>'" + err.string() + "'";
  const int status = std::system(line.c_str());
  CommandResult result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, file_text(out), file_text(err)};
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return result;
}

inline CommandResult run_command(const std::string& arguments, const TestFolder& folder) {
  return run_shell("\"$SCOREFIELD\" " + arguments, folder);
}

}  // namespace scorefield

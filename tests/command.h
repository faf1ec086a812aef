// Runs the built command as a user would.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "scorefield/base/test_folder_test.h"

namespace scorefield {

struct CommandResult {
  int status = -1;
  std::string out;
  std::string err;
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

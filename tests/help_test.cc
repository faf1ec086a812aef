// What a newcomer types first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "scorefield/base/version.h"
#include "tests/command.h"

namespace scorefield {
namespace {

using testing::HasSubstr;

class Help : public testing::Test {
 protected:
  CommandResult run(const std::string& arguments) const { return run_command(arguments, folder_); }

 private:
  TestFolder folder_;
};

TEST_F(Help, ShowsCommandsAndExamples) {
  const CommandResult result = run("--help");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("sample"));
  EXPECT_THAT(result.out, HasSubstr("Examples:\n  scorefield sample --data fashion-mnist"));
  EXPECT_EQ(result.err, "");
}

TEST_F(Help, EveryCommandShowsExamples) {
  // Commands are listed one a line under "Subcommands:".
  const std::string help = run("--help").out;
  std::istringstream lines(help.substr(std::min(help.find("Subcommands:"), help.size())));
  std::string line;
  std::getline(lines, line);
  int commands = 0;
  while (std::getline(lines, line) && line.starts_with("  ") && line.find_first_not_of(' ') == 2) {
    const std::string command = line.substr(2, line.find(' ', 2) - 2);
    const CommandResult result = run(command + " --help");
    EXPECT_EQ(result.status, 0) << command;
    EXPECT_THAT(result.out, HasSubstr("Examples:\n  scorefield " + command)) << command;
    ++commands;
  }
  EXPECT_GE(commands, 1) << help;
}

TEST_F(Help, NamesItsVersion) {
  const CommandResult result = run("--version");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "scorefield " + std::string(version()) + "\n");
}

TEST_F(Help, AnUnknownCommandIsToldTheNearOne) {
  const CommandResult result = run("smaple --data fashion-mnist");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("'smaple'"));
  EXPECT_THAT(result.err, HasSubstr("'sample'"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << "an error is one line";
}

TEST_F(Help, NoCommandIsAnErrorThatNamesHelp) {
  const CommandResult result = run("");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("--help"));
}

TEST_F(Help, AnUnknownFlagIsAnError) {
  const CommandResult result = run("sample --data fashion-mnist --stepps 18");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("--stepps"));
}

TEST(Command, OutputThatCannotBeWrittenIsAnError) {
  const TestFolder folder;
  const CommandResult result = run_shell("\"$SCOREFIELD\" reproduce --list >/dev/full", folder);
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("No space left on device"), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("bug"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace scorefield

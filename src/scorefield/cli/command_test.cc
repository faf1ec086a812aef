#include "scorefield/cli/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "scorefield/base/test_folder_test.h"

namespace scorefield {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RunArguments, ACommandHasThoseThatItNames) {
  CLI::App all;
  RunArguments run;
  add_run_arguments(all, run, {.resumes = true, .dry_run = "Do nothing", .json = "Print the report as JSON"});
  for (const char* part :
       {"--out,--outdir", "Run folder", "--config", "--resume", "Do nothing", "the report as JSON"}) {
    EXPECT_THAT(all.help(), HasSubstr(part));
  }
  all.parse("--outdir a --json", false);
  EXPECT_EQ(run.folder(), "a");
  EXPECT_TRUE(run.json);
  EXPECT_THROW(all.parse("--out a --resume b", false), CLI::ExcludesError);

  CLI::App few;
  RunArguments other;
  add_run_arguments(few, other, {.out = "A folder", .repeats = false});
  for (const char* part : {"--config", "--resume", "--dry-run"}) EXPECT_THAT(few.help(), Not(HasSubstr(part)));
  EXPECT_THAT(few.help(), HasSubstr("A folder"));
  EXPECT_EQ(other.folder(), "");
  other.resume = "b";
  EXPECT_EQ(other.folder(), "b");
}

TEST(RunArguments, TheFolderIsTheOneThatIsNamed) {
  const TestFolder parent;
  const auto path = parent / "mine";
  RunArguments run;
  run.out = path.string();
  const RunFolder folder = run_folder(run, "unused");
  EXPECT_EQ(folder.path(), path);
  EXPECT_EQ(start_again_text("schedule", folder),
            "start again with: scorefield schedule --config " + run.out + "/config.json --out " + run.out);
}

}  // namespace
}  // namespace scorefield

#include "scorefield/cli/progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace scorefield {
namespace {

class ProgressTest : public testing::Test {
 protected:
  TerminalProgress progress(std::size_t width = 80) {
    return TerminalProgress([this](std::string_view text) { written_.emplace_back(text); }, width,
                            [this] { return clock_; });
  }

  std::vector<std::string> written_;
  double clock_ = 1000;
};

TEST_F(ProgressTest, ShowsRateAndTimeLeft) {
  auto line = progress();
  line.update("denoising", 0, 640);
  clock_ += 10;
  line.update("denoising", 64, 640);
  EXPECT_EQ(written_, (std::vector<std::string>{"\rdenoising: 64 of 640 (10 %), 6.4/s, 1 min 30 s left\x1b[K"}));
  line.update("denoising", 640, 640);
  EXPECT_EQ(written_.back(), "\r\x1b[K");
}

TEST_F(ProgressTest, WhatWasDoneBeforeIsNotCountedAsFast) {
  auto line = progress();
  line.update("steps", 50, 100);  // resumed
  clock_ += 20;
  line.update("steps", 60, 100);
  EXPECT_NE(written_.back().find("2 s each, 1 min 20 s left"), std::string::npos) << written_.back();
}

TEST_F(ProgressTest, RedrawsTenTimesASecondAtMost) {
  auto line = progress();
  for (int i = 0; i < 10000; ++i) {
    line.update("a", i, 10000);
    clock_ += 0.001;
  }
  // Ten seconds less the quiet half second.
  EXPECT_LE(written_.size(), 96u);
  EXPECT_GE(written_.size(), 80u);
}

TEST_F(ProgressTest, ShortWorkIsQuiet) {
  {
    auto line = progress();
    for (int i = 0; i <= 40; ++i) {
      line.update("a", i, 40);
      clock_ += 0.01;
    }
  }
  EXPECT_TRUE(written_.empty());
}

TEST_F(ProgressTest, FitsTheTerminalAndWipesTheLineInTheEnd) {
  {
    auto line = progress(20);
    line.update("a long piece of work", 0, 9);
    clock_ += 1;
    line.update("a long piece of work", 1, 9);
    EXPECT_EQ(written_.back(), "\ra long piece of wor\x1b[K");
  }
  EXPECT_EQ(written_.back(), "\r\x1b[K");
}

TEST_F(ProgressTest, ANewPieceOfWorkStartsItsOwnClock) {
  auto line = progress();
  line.update("a", 0, 10);
  clock_ += 100;
  line.update("b", 0, 10);
  clock_ += 1;
  line.update("b", 5, 10);
  EXPECT_NE(written_.back().find("b: 5 of 10 (50 %), 5/s, 1 s left"), std::string::npos) << written_.back();
}

TEST(Progress, WithoutATerminalNothingIsWritten) {
  testing::internal::CaptureStderr();  // a file
  {
    TerminalProgress progress;
    progress.update("a", 1, 2);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, DurationsAreReadable) {
  EXPECT_EQ(readable_duration(0.2), "1 s");
  EXPECT_EQ(readable_duration(59.5), "1 min 00 s");
  EXPECT_EQ(readable_duration(125), "2 min 05 s");
  EXPECT_EQ(readable_duration(3 * 3600 + 12 * 60), "3 h 12 min");
  EXPECT_EQ(readable_duration(-1), "0 s");
  EXPECT_EQ(readable_duration(1e300), readable_duration(1e15));
}

}  // namespace
}  // namespace scorefield

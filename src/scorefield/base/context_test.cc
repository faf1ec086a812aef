#include "scorefield/base/context.h"

#include <gtest/gtest.h>

#include <string>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

TEST(Context, AsksToStopOnlyWhenTheCallerDid) {
  Context context;
  context.check_cancelled();
  std::atomic<bool> cancelled{false};
  context.cancelled = &cancelled;
  context.check_cancelled();
  cancelled = true;
  EXPECT_THROW(context.check_cancelled(), Cancelled);
}

TEST(Context, MemoryOverTheLimitIsNamed) {
  Context context;
  context.check_memory(std::size_t{1} << 60, "anything");
  context.memory_limit = std::size_t{64} << 20;
  context.check_memory(std::size_t{64} << 20, "the data");
  try {
    context.check_memory((std::size_t{64} << 20) + 1, "the data");
    FAIL();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("the data"), std::string::npos);
    EXPECT_NE(text.find("needs 64.1 MiB, over the memory limit of 64 MiB"), std::string::npos) << text;
    EXPECT_NE(text.find("--memory-limit"), std::string::npos);
  }
}

TEST(Context, AmountsOfMemoryAreReadable) {
  const auto refusal = [](std::size_t bytes, std::size_t limit) {
    Context context;
    context.memory_limit = limit;
    try {
      context.check_memory(bytes, "it");
    } catch (const Error& error) {
      const std::string text = error.what();
      return text.substr(0, text.find(';'));
    }
    return std::string("no error");
  };
  EXPECT_EQ(refusal(1000, 999), "it needs 1000 bytes, over the memory limit of 999 bytes");
  EXPECT_EQ(refusal(1025, 1024), "it needs 1.1 KiB, over the memory limit of 1 KiB");
  EXPECT_EQ(refusal(std::size_t{3} << 29, (std::size_t{1} << 30) - 1),
            "it needs 1.5 GiB, over the memory limit of 1023.9 MiB");
  EXPECT_EQ(refusal(~std::size_t{0}, 1), "it needs 16 EiB, over the memory limit of 1 bytes");
}

TEST(Context, MemoryOfManyMayBeMoreThanANumberHolds) {
  Context context;
  const std::size_t half = std::size_t{1} << 32;
  EXPECT_THROW(context.check_memory(half, half, "the data"), Error);
  EXPECT_NO_THROW(context.check_memory(half, half - 1, "the data"));
  EXPECT_NO_THROW(context.check_memory(half, 0, "the data"));
  context.memory_limit = 99;
  EXPECT_NO_THROW(context.check_memory(9, 11, "the data"));
  EXPECT_THROW(context.check_memory(10, 10, "the data"), Error);
}

TEST(Context, ProgressGoesToTheSink) {
  struct Sink : ProgressSink {
    void update(std::string_view what, double done, double total) override {
      seen += std::string(what) + " " + std::to_string(static_cast<int>(done)) + "/" +
              std::to_string(static_cast<int>(total)) + ";";
    }
    std::string seen;
  };
  Context context;
  context.report("nobody listens", 1, 2);
  Sink sink;
  context.progress = &sink;
  context.report("rows", 1, 2);
  context.report("rows", 2, 2);
  EXPECT_EQ(sink.seen, "rows 1/2;rows 2/2;");
}

TEST(Ensure, ABrokenPromiseSaysWhere) {
  ensure(true, "fine");
  try {
    ensure(1 > 2, "1 > 2");
    FAIL();
  } catch (const Bug& bug) {
    const std::string text = bug.what();
    EXPECT_NE(text.find("context_test.cc:"), std::string::npos);
    EXPECT_NE(text.find("1 > 2"), std::string::npos);
  }
}

}  // namespace
}  // namespace scorefield

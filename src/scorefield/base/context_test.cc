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
    EXPECT_NE(text.find("65 MiB"), std::string::npos);
    EXPECT_NE(text.find("--memory-limit"), std::string::npos);
  }
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

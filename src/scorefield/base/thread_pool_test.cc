#include "scorefield/base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using namespace std::chrono_literals;

TEST(ThreadPool, RunsEveryIndexOnceOnWorkersInRange) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (std::size_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(count);
      std::atomic<bool> in_range{true};
      pool.run(count, [&](std::size_t index, int worker) {
        ++runs[index];
        if (worker < 0 || worker >= threads) in_range = false;
      });
      for (const auto& run : runs) EXPECT_EQ(run, 1);
      EXPECT_TRUE(in_range);
    }
  }
}

TEST(ThreadPool, AWorkerRunsOneTaskAtATime) {
  ThreadPool pool(4);
  std::vector<int> busy(4, 0);  // not atomic: TSan tells when two tasks share a worker
  pool.run(200, [&](std::size_t /*index*/, int worker) {
    ++busy[static_cast<std::size_t>(worker)];
    std::this_thread::yield();
  });
  EXPECT_EQ(std::accumulate(busy.begin(), busy.end(), 0), 200);
}

TEST(ThreadPool, AllThreadsWorkAtOnce) {
  ThreadPool pool(3);
  std::atomic<int> inside{0};
  // Each task waits for the other two: on fewer threads this would never end (the test has a time limit).
  pool.run(3, [&](std::size_t /*index*/, int /*worker*/) {
    ++inside;
    while (inside < 3) std::this_thread::yield();
  });
  EXPECT_EQ(inside, 3);
}

TEST(ThreadPool, TheLowestFailingIndexIsRethrownEveryTime) {
  ThreadPool pool(4);
  for (int round = 0; round < 200; ++round) {
    std::string caught;
    try {
      pool.run(64, [&](std::size_t index, int /*worker*/) {
        if (index == 9) std::this_thread::sleep_for(20us);  // later failures come first
        if (index % 10 == 9) throw std::runtime_error(std::to_string(index));
      });
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    EXPECT_EQ(caught, "9");
  }
}

TEST(ThreadPool, NothingStartsAfterAFailure) {
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::atomic<std::size_t> started{0};
    EXPECT_THROW(pool.run(100000,
                          [&](std::size_t index, int /*worker*/) {
                            ++started;
                            if (index == 5) throw Cancelled();
                          }),
                 Cancelled);
    // Others may start tasks until the failing thread, perhaps put to sleep by the system, has reported.
    EXPECT_LT(started, 100000u);
    if (threads == 1) {
      EXPECT_EQ(started, 6u);
    }
    // The pool goes on, and has forgotten the failure.
    std::atomic<int> runs{0};
    pool.run(10, [&](std::size_t /*index*/, int /*worker*/) { ++runs; });
    EXPECT_EQ(runs, 10);
  }
}

TEST(ThreadPool, NestedJobsRunInlineAndInOrder) {
  ThreadPool pool(3);
  ThreadPool other(2);
  std::vector<std::vector<std::size_t>> orders(20);
  pool.run(orders.size(), [&](std::size_t outer, int /*worker*/) {
    const auto me = std::this_thread::get_id();
    (outer % 2 == 0 ? pool : other).run(5, [&](std::size_t inner, int worker) {
      if (worker == 0 && std::this_thread::get_id() == me) orders[outer].push_back(inner);
    });
  });
  for (const auto& order : orders) EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  EXPECT_THROW(pool.run(2, [&](std::size_t, int) { pool.run(2, [](std::size_t, int) { throw Cancelled(); }); }),
               Cancelled);
  // After a nested job the thread is no longer inside a task: jobs are spread again.
  std::atomic<int> inside{0};
  pool.run(3, [&](std::size_t, int) {
    ++inside;
    while (inside < 3) std::this_thread::yield();
  });
}

TEST(ThreadPool, ManySmallJobs) {
  ThreadPool pool(4);
  std::size_t sum = 0;
  for (std::size_t job = 0; job < 5000; ++job) {
    std::vector<std::size_t> parts(job % 5);
    pool.run(parts.size(), [&](std::size_t index, int /*worker*/) { parts[index] = index + 1; });
    sum = std::accumulate(parts.begin(), parts.end(), sum);
  }
  EXPECT_EQ(sum, 1000u * (0 + 1 + 3 + 6 + 10));
}

TEST(ThreadPool, SeveralCallersShareIt) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::vector<std::size_t> sums(4, 0);
  std::vector<int> failures(4, 0);
  for (std::size_t caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (std::size_t job = 0; job < 300; ++job) {
        std::vector<std::size_t> parts(8);
        try {
          pool.run(parts.size(), [&](std::size_t index, int /*worker*/) {
            if (job % 50 == caller && index == 3) throw std::runtime_error("mine");
            parts[index] = index;
          });
          sums[caller] += std::accumulate(parts.begin(), parts.end(), std::size_t{0});
        } catch (const std::runtime_error&) {
          ++failures[caller];
        }
      }
    });
  }
  for (std::thread& thread : callers) thread.join();
  for (std::size_t caller = 0; caller < 4; ++caller) {
    EXPECT_EQ(failures[caller], 6);
    EXPECT_EQ(sums[caller], (300u - 6u) * 28u);
  }
}

TEST(ThreadPool, ComesAndGoes) {
  for (int round = 0; round < 200; ++round) {
    ThreadPool pool(3);
    if (round % 2 == 0) pool.run(2, [](std::size_t, int) {});
  }
}

TEST(ThreadPool, RefusesImpossibleSizes) {
  EXPECT_THROW(ThreadPool(0), Error);
  EXPECT_THROW(ThreadPool(-3), Error);
}

TEST(ThreadPool, NoPoolIsOneThreadInOrder) {
  std::vector<std::size_t> order;
  run_tasks(nullptr, 4, [&](std::size_t index, int worker) {
    EXPECT_EQ(worker, 0);
    order.push_back(index);
  });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3}));
}

// Random mixtures of all of the above, for as long as patience lasts.
TEST(ThreadPool, Stress) {
  const auto limit = std::getenv("SCOREFIELD_LONG_TESTS") != nullptr ? 30s : 1s;
  const auto end = std::chrono::steady_clock::now() + limit;
  std::size_t job = 0;
  while (std::chrono::steady_clock::now() < end) {
    ThreadPool pool(static_cast<int>(1 + job % 6));
    for (int repeat = 0; repeat < 200; ++repeat, ++job) {
      const std::size_t count = job * 7919 % 37;
      const std::size_t failing = job % 11 == 0 ? job % 41 : count;
      std::vector<std::size_t> results(count, 0);
      bool thrown = false;
      try {
        pool.run(count, [&](std::size_t index, int /*worker*/) {
          if (index == failing) throw Cancelled();
          if (job % 3 == 0) pool.run(2, [&](std::size_t inner, int) { results[index] += inner; });
          results[index] += index + 1;
        });
      } catch (const Cancelled&) {
        thrown = true;
      }
      ASSERT_EQ(thrown, failing < count);
      const std::size_t extra = job % 3 == 0 ? 1 : 0;
      for (std::size_t index = 0; index < std::min(count, failing); ++index) {
        ASSERT_EQ(results[index], index + 1 + extra);
      }
    }
  }
}

}  // namespace
}  // namespace scorefield

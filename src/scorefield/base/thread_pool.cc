#include "scorefield/base/thread_pool.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

/// The pool whose task runs on this thread, if any: a nested run is done inline.
thread_local bool inside_task = false;

class InsideTask {
 public:
  InsideTask() { inside_task = true; }
  ~InsideTask() { inside_task = false; }
  InsideTask(const InsideTask&) = delete;
  InsideTask& operator=(const InsideTask&) = delete;
};

}  // namespace

struct ThreadPool::State {
  std::mutex job_mutex;  // one job at a time

  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::condition_variable finished;
  const std::function<void(std::size_t, int)>* task = nullptr;
  std::size_t next = 0;
  std::size_t count = 0;
  std::size_t running = 0;
  std::size_t failed_index = 0;
  std::exception_ptr failure;
  bool stop = false;

  std::vector<std::thread> threads;

  void join() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  /// Runs tasks of the current job until none is left. Called with the lock held.
  void work(std::unique_lock<std::mutex>& lock, int worker) {
    while (next < count) {
      const std::size_t index = next++;
      const auto* job = task;
      ++running;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        const InsideTask inside;
        (*job)(index, worker);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      --running;
      if (thrown) {
        if (!failure || index < failed_index) {
          failure = thrown;
          failed_index = index;
        }
        next = count;
      }
      if (next >= count && running == 0) finished.notify_all();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads < 1) throw Error(fmt::format("threads must be at least 1, got {}", threads));
  State* state = state_.get();
  try {
    for (int worker = 1; worker < threads; ++worker) {
      state->threads.emplace_back([state, worker] {
        std::unique_lock lock(state->mutex);
        while (true) {
          state->wake.wait(lock, [state] { return state->stop || state->next < state->count; });
          if (state->stop) return;
          state->work(lock, worker);
        }
      });
    }
  } catch (const std::system_error&) {
    const std::size_t started = state->threads.size() + 1;
    state->join();
    throw Error(fmt::format("the system gives {} of {} threads; ask for fewer (--threads)", started, threads));
  }
}

ThreadPool::~ThreadPool() {
  state_->join();
}

int ThreadPool::threads() const {
  return static_cast<int>(state_->threads.size()) + 1;
}

void ThreadPool::run(std::size_t count, const std::function<void(std::size_t, int)>& task) {
  if (count == 0) return;
  if (inside_task) {
    for (std::size_t index = 0; index < count; ++index) task(index, 0);
    return;
  }
  const std::lock_guard job(state_->job_mutex);
  std::unique_lock lock(state_->mutex);
  state_->task = &task;
  state_->next = 0;
  state_->count = count;
  state_->failure = nullptr;
  state_->wake.notify_all();
  state_->work(lock, 0);
  state_->finished.wait(lock, [this] { return state_->running == 0; });
  state_->next = state_->count = 0;
  state_->task = nullptr;
  if (state_->failure) std::rethrow_exception(std::exchange(state_->failure, nullptr));
}

void run_tasks(ThreadPool* pool, std::size_t count, const std::function<void(std::size_t, int)>& task) {
  if (pool != nullptr) {
    pool->run(count, task);
  } else {
    for (std::size_t index = 0; index < count; ++index) task(index, 0);
  }
}

}  // namespace scorefield

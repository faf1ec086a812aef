// A persistent pool of threads that runs numbered tasks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace scorefield {

/// Threads are started once and sleep between jobs. The calling thread works too, so ThreadPool(1) starts none.
class ThreadPool {
 public:
  /// Throws Error when threads < 1.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls task(index, worker) once for every index in [0, count), worker in [0, threads()), and returns when all are
  /// done. Which worker runs an index is not fixed: results must not depend on it. After an exception no further index
  /// is started, and the exception of the lowest failed index is rethrown. Called from inside a task it runs inline.
  void run(std::size_t count, const std::function<void(std::size_t index, int worker)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// ThreadPool::run on `pool`, or in order on the calling thread (worker 0) when it is null.
void run_tasks(ThreadPool* pool, std::size_t count, const std::function<void(std::size_t index, int worker)>& task);

}  // namespace scorefield

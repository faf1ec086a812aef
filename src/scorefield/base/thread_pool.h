// A persistent pool of threads that runs numbered tasks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace scorefield {

/// Threads are started once and sleep between jobs. The calling thread works too, so ThreadPool(1) starts none.
class ThreadPool {
 public:
  /// Throws Error when threads < 1, or when the system does not give that many.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls task(index, worker) once for every index in [0, count), worker in [0, threads()), and returns when all are
  /// done. Which worker runs an index is not fixed: results must not depend on it. After an exception no further index
  /// is started, and the exception of the lowest failing index is rethrown (the same one every time: indices start in
  /// order). Jobs of several callers run one after the other. Called from inside a task, of whichever pool, it runs
  /// inline in order, worker 0: scratch kept by worker must belong to the call.
  void run(std::size_t count, const std::function<void(std::size_t index, int worker)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// ThreadPool::run on `pool`, or in order on the calling thread (worker 0) when it is null.
void run_tasks(ThreadPool* pool, std::size_t count, const std::function<void(std::size_t index, int worker)>& task);

}  // namespace scorefield

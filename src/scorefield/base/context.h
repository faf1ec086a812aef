// What a caller hands down to long work: threads, cancellation, progress, a memory limit. There is no other shared
// state.
#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <string_view>

namespace scorefield {

class ThreadPool;

/// Receives progress; the library itself never prints.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// `done` of `total` units of `what` are finished. May be called from one thread at a time, often.
  virtual void update(std::string_view what, double done, double total) = 0;
};

/// Made by the caller, passed down by const reference. Cheap to copy; owns nothing.
struct Context {
  /// Null: everything runs on the calling thread. Results never depend on the number of threads.
  ThreadPool* pool = nullptr;
  const std::atomic<bool>* cancelled = nullptr;
  ProgressSink* progress = nullptr;
  /// Bytes that one allocation may take, be it data or scratch: checked one by one before each large allocation.
  std::size_t memory_limit = std::numeric_limits<std::size_t>::max();

  /// Throws Cancelled when the caller asked to stop. Long loops call it at least every 100 ms.
  void check_cancelled() const;
  /// Throws Error when `bytes` for `what` are over the limit. Called before allocating.
  void check_memory(std::size_t bytes, std::string_view what) const;
  /// The same for `count` times `bytes_each`, whose product need not fit into a number.
  void check_memory(std::size_t count, std::size_t bytes_each, std::string_view what) const;
  /// The same where `bytes` are held already: what the limit leaves.
  Context without(std::size_t bytes) const;
  void report(std::string_view what, double done, double total) const {
    if (progress != nullptr) progress->update(what, done, total);
  }
};

}  // namespace scorefield

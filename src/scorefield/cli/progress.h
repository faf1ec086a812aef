// Progress for people: one line on the terminal, with rate and time left.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "scorefield/base/context.h"

namespace scorefield {

/// Redraws one line at most ten times a second, and wipes it at the end of each piece of work and of its own life.
/// Shows nothing before half a second has gone, so that short work leaves the terminal quiet.
class TerminalProgress final : public ProgressSink {
 public:
  using Write = std::function<void(std::string_view text)>;

  /// On stderr when it is a terminal; otherwise silent.
  TerminalProgress();
  /// On a terminal of `width` columns behind `write`; `seconds` is a clock. For tests.
  TerminalProgress(Write write, std::size_t width, std::function<double()> seconds);
  ~TerminalProgress() override;
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;

  void update(std::string_view what, double done, double total) override;
  /// Takes the line off the terminal, before something else is printed there.
  void wipe();

 private:
  Write write_;
  std::size_t width_ = 80;
  std::function<double()> seconds_;
  std::string what_;
  double started_ = 0;     // when what_ began,
  double start_done_ = 0;  // and how much of it was done then
  double last_done_ = 0;
  double drawn_ = 0;
  bool visible_ = false;
};

/// "8 s", "2 min 05 s", "3 h 12 min": for people who wait.
std::string readable_duration(double seconds);

}  // namespace scorefield

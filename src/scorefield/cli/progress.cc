#include "scorefield/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

namespace scorefield {
namespace {

constexpr double kQuiet = 0.5;     // seconds before the first line
constexpr double kInterval = 0.1;  // seconds between two lines

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::size_t stderr_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// Cuts ASCII text to a width; leaves the last column free, where terminals wrap.
std::string fit(std::string text, std::size_t width) {
  if (text.size() >= width) text.resize(width > 0 ? width - 1 : 0);
  return text;
}

}  // namespace

std::string readable_duration(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(std::fmin(std::fmax(seconds, 0.0), 1e15)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

TerminalProgress::TerminalProgress()
    : TerminalProgress(::isatty(STDERR_FILENO) == 1 ? Write(&write_stderr) : Write(), stderr_columns(),
                       &steady_seconds) {}

TerminalProgress::TerminalProgress(Write write, std::size_t width, std::function<double()> seconds)
    : write_(std::move(write)), width_(width), seconds_(std::move(seconds)) {}

TerminalProgress::~TerminalProgress() {
  wipe();
}

void TerminalProgress::update(std::string_view what, double done, double total) {
  if (!write_) return;
  const double now = seconds_();
  if (what != what_ || done < last_done_) {
    what_ = what;
    started_ = now;
    start_done_ = done;
    drawn_ = now + kQuiet - kInterval;
  }
  last_done_ = done;
  if (done >= total) {
    wipe();
    what_.clear();  // the next update starts anew, even under the same name
    return;
  }
  if (now - drawn_ < kInterval) return;
  drawn_ = now;
  std::string line = fmt::format("{}: {:.0f} of {:.0f} ({:.0f} %)", what, done, total, 100 * done / total);
  const double rate = (done - start_done_) / (now - started_);
  if (rate > 0) {
    const std::string pace = rate >= 1 ? fmt::format("{:.3g}/s", rate) : fmt::format("{:.3g} s each", 1 / rate);
    line += fmt::format(", {}, {} left", pace, readable_duration((total - done) / rate));
  }
  write_("\r" + fit(std::move(line), width_) + "\x1b[K");
  visible_ = true;
}

void TerminalProgress::wipe() {
  if (!visible_) return;
  write_("\r\x1b[K");
  visible_ = false;
}

}  // namespace scorefield

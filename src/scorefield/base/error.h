// The two kinds of failure. A user's mistake is an Error; a mistake of ours is a Bug. Nothing here prints or exits.
#pragma once

#include <stdexcept>
#include <string>

namespace scorefield {

/// A user's mistake (file, flag, shape, range). The text says what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller asked to stop (Ctrl-C). What was finished is kept.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled") {}
};

/// A broken promise inside the library: a bug, never a user's mistake.
class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void throw_bug(const char* expectation, const char* file, int line);

/// Throws Bug unless `holds`. On in every build; not for the inside of hot loops.
inline void ensure(bool holds, const char* expectation, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
  if (!holds) throw_bug(expectation, file, line);
}

}  // namespace scorefield

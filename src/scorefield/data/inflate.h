// Decompression with a bound: a small file cannot take much memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "scorefield/data/blob.h"

namespace scorefield {

enum class DeflateFormat {
  kRaw,   // an entry of a zip
  kGzip,  // a .gz file, possibly of several members
};

/// No deflate stream of n bytes holds more than this times n: a match of 258 bytes takes at least 2 bits.
inline constexpr std::size_t kLargestDeflateRatio = 1032;

/// Reads a deflate stream piece by piece, so that a header can be judged before the rest is inflated.
class Inflater {
 public:
  Inflater(Blob compressed, DeflateFormat format);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// The next bytes of the content; fewer than asked for only at its end.
  /// Throws Error (with the name and the byte of the compressed stream) when the stream is broken or ends early.
  std::size_t read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scorefield

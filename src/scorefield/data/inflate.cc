#include "scorefield/data/inflate.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "scorefield/base/error.h"

namespace scorefield {

struct Inflater::State {
  Blob compressed;
  DeflateFormat format;
  z_stream stream{};
  std::size_t consumed = 0;
  bool ended = false;
};

Inflater::Inflater(Blob compressed, DeflateFormat format) : state_(std::make_unique<State>()) {
  state_->compressed = std::move(compressed);
  state_->format = format;
  // zlib: negative window bits mean no header, +16 means a gzip header and trailer.
  const int window_bits = format == DeflateFormat::kRaw ? -MAX_WBITS : MAX_WBITS + 16;
  ensure(inflateInit2(&state_->stream, window_bits) == Z_OK, "zlib starts");
}

Inflater::~Inflater() {
  inflateEnd(&state_->stream);
}

std::size_t Inflater::read(std::span<std::byte> out) {
  State& s = *state_;
  const std::span<const std::byte> in = s.compressed.bytes;
  std::size_t done = 0;
  while (done < out.size() && !s.ended) {
    // zlib counts in 32 bits.
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const auto available_in = static_cast<uInt>(std::min(in.size() - s.consumed, kMost));
    const auto available_out = static_cast<uInt>(std::min(out.size() - done, kMost));
    s.stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data() + s.consumed));
    s.stream.avail_in = available_in;
    s.stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    s.stream.avail_out = available_out;
    const int status = inflate(&s.stream, Z_NO_FLUSH);
    s.consumed += available_in - s.stream.avail_in;
    done += available_out - s.stream.avail_out;
    if (status == Z_STREAM_END) {
      const bool next_member = s.format == DeflateFormat::kGzip && s.consumed < in.size();
      s.ended = !next_member;
      if (next_member) inflateReset(&s.stream);
    } else if (status == Z_BUF_ERROR || (status == Z_OK && s.consumed == in.size() && done < out.size())) {
      throw Error(fmt::format("{}: the compressed data end early, at byte {}", s.compressed.name, s.consumed));
    } else if (status != Z_OK) {
      throw Error(fmt::format("{}: broken compressed data near byte {}: {}", s.compressed.name, s.consumed,
                              s.stream.msg != nullptr ? s.stream.msg : "no further word from zlib"));
    }
  }
  return done;
}

}  // namespace scorefield

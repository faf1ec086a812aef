#include "scorefield/data/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/data/inflate.h"

// libpng leaves its functions by longjmp. So every function below that calls setjmp has only trivial local variables,
// and what has a destructor belongs to its caller.
namespace scorefield {
namespace {

/// What libpng said last. Fixed arrays: nothing is allocated on the way out of libpng.
struct Messages {
  std::array<char, 200> warning{};
  std::array<char, 200> error{};
};

struct Source {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
};

void keep_error(png_structp png, png_const_charp text) {
  auto& messages = *static_cast<Messages*>(png_get_error_ptr(png));
  std::snprintf(messages.error.data(), messages.error.size(), "%s", text);
  png_longjmp(png, 1);
}

void keep_warning(png_structp png, png_const_charp text) {
  auto& messages = *static_cast<Messages*>(png_get_error_ptr(png));
  std::snprintf(messages.warning.data(), messages.warning.size(), "%s", text);
}

void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (count > source.bytes.size() - source.at) png_error(png, "the file is cut off");
  std::memcpy(out, source.bytes.data() + source.at, count);
  source.at += count;
}

void append_bytes(png_structp png, png_bytep bytes, std::size_t count) {
  auto& out = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  bool grown = true;
  try {
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    out.insert(out.end(), first, first + count);
  } catch (const std::bad_alloc&) {
    grown = false;
  }
  if (!grown) png_error(png, "out of memory");
}

void flush_nothing(png_structp) {}

struct Header {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t raw_row_bytes = 0;  // as the file has them, without the filter byte
  std::size_t row_bytes = 0;      // as we ask for them
  std::size_t channels = 0;       // as we ask for them: 1 to 4, alpha last
  bool sixteen_bits = false;
  bool palette = false;  // then a row has one index a pixel
};

class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> bytes) : source_{bytes} {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &messages_, keep_error, keep_warning);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  /// False: libpng refused.
  bool read_header(Header& header) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, &source_, read_bytes);
    png_set_benign_errors(png_, 0);                                          // a damaged file is not guessed at
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // only what makes up the pixels
    png_read_info(png_, info_);
    header.height = png_get_image_height(png_, info_);
    header.width = png_get_image_width(png_, info_);
    header.raw_row_bytes = png_get_rowbytes(png_, info_);
    header.sixteen_bits = png_get_bit_depth(png_, info_) == 16;
    header.palette = png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE;
    if (header.palette) {
      png_set_packing(png_);  // libpng's own expansion makes an index beyond the palette black
    } else {
      png_set_expand(png_);
    }
    png_set_scale_16(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    header.row_bytes = png_get_rowbytes(png_, info_);
    header.channels = png_get_channels(png_, info_);
    return true;
  }

  /// pixels: [height, row_bytes].
  bool read_pixels(const Header& header, std::uint8_t* pixels, const Context& context) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    const int passes = png_get_interlace_type(png_, info_) == PNG_INTERLACE_ADAM7 ? PNG_INTERLACE_ADAM7_PASSES : 1;
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t y = 0; y < header.height; ++y) {
        context.check_cancelled();
        png_read_row(png_, pixels + y * header.row_bytes, nullptr);
      }
    }
    png_read_end(png_, nullptr);
    return true;
  }

  /// The colours of a palette picture. Throws Error when an index has none.
  Image colored(const Image& indices, const std::string& name, bool& transparent) const {
    png_colorp colors = nullptr;
    int count = 0;
    png_get_PLTE(png_, info_, &colors, &count);
    png_bytep alpha = nullptr;
    int alpha_count = 0;
    png_get_tRNS(png_, info_, &alpha, &alpha_count, nullptr);
    Image image{indices.height, indices.width, 3, {}};
    image.pixels.reserve(3 * indices.pixels.size());
    for (const std::uint8_t k : indices.pixels) {
      if (k >= count) {
        throw Error(fmt::format("{}: damaged PNG: a pixel has colour {} of a palette of {}", name, k, count));
      }
      image.pixels.insert(image.pixels.end(), {colors[k].red, colors[k].green, colors[k].blue});
      transparent = transparent || (k < alpha_count && alpha[k] != 255);
    }
    return image;
  }

  std::string explanation() const {
    std::string text = messages_.error.data();
    if (messages_.warning[0] != 0) text += fmt::format(" ({})", messages_.warning.data());
    return fmt::format("{}, at byte {}", text, source_.at);
  }

 private:
  Messages messages_;
  Source source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &messages_, keep_error, keep_warning);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  bool write(const Image& image, std::vector<std::byte>& out) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_write_fn(png_, &out, append_bytes, flush_nothing);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
                 image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (std::size_t y = 0; y < image.height; ++y) {
      png_write_row(png_, image.pixels.data() + y * image.width * image.channels);
    }
    png_write_end(png_, info_);
    return true;
  }

  std::string explanation() const { return messages_.error.data(); }

 private:
  Messages messages_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// Drops the last of 2 or 4 channels, in place; true when some of it was not opaque.
bool drop_alpha(std::vector<std::uint8_t>& pixels, std::size_t channels) {
  bool transparent = false;
  const std::size_t count = pixels.size() / channels;
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t c = 0; c + 1 < channels; ++c) pixels[k * (channels - 1) + c] = pixels[k * channels + c];
    transparent = transparent || pixels[k * channels + channels - 1] != 255;
  }
  pixels.resize(count * (channels - 1));
  return transparent;
}

}  // namespace

bool looks_like_png(std::span<const std::byte> bytes) {
  constexpr std::size_t kSignature = 8;
  return bytes.size() >= kSignature && png_sig_cmp(reinterpret_cast<png_const_bytep>(bytes.data()), 0, kSignature) == 0;
}

DecodedImage read_png(const Blob& file, const Context& context) {
  if (!looks_like_png(file.bytes)) throw Error(fmt::format("{}: not a PNG file", file.name));
  PngReader reader(file.bytes);
  Header header;
  const auto fail = [&] { throw Error(fmt::format("{}: damaged PNG: {}", file.name, reader.explanation())); };
  if (!reader.read_header(header)) fail();
  if (header.height * (header.raw_row_bytes + 1) / kLargestDeflateRatio > file.bytes.size()) {
    throw Error(fmt::format("{}: damaged PNG: its header says {} x {} pixels, more than a file of {} bytes can hold",
                            file.name, header.height, header.width, file.bytes.size()));
  }
  const std::size_t size = header.height * header.row_bytes;
  context.check_memory(header.palette ? 4 * size : size, file.name);
  DecodedImage decoded;
  decoded.changes.bits_reduced = header.sixteen_bits;
  Image& image = decoded.image;
  image = {header.height, header.width, header.channels, std::vector<std::uint8_t>(size)};
  if (!reader.read_pixels(header, image.pixels.data(), context)) fail();
  if (header.palette) {
    image = reader.colored(image, file.name, decoded.changes.alpha_dropped);
  } else if (header.channels % 2 == 0) {
    decoded.changes.alpha_dropped = drop_alpha(image.pixels, header.channels);
    --image.channels;
  }
  return decoded;
}

std::vector<std::byte> encode_png(const Image& image) {
  ensure(image.channels == 1 || image.channels == 3, "a picture has 1 or 3 channels");
  ensure(!image.pixels.empty() && image.pixels.size() == image.height * image.width * image.channels,
         "a picture has its size in pixels");
  std::vector<std::byte> bytes;
  PngWriter writer;
  if (!writer.write(image, bytes)) throw Error(fmt::format("cannot encode a PNG: {}", writer.explanation()));
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  const std::vector<std::byte> bytes = encode_png(image);
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace scorefield

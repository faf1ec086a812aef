#include "scorefield/data/jpeg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <string>
#include <string_view>

// After <cstdio>: it needs FILE.
#include <jerror.h>
#include <jpeglib.h>

#include "scorefield/base/error.h"
#include "scorefield/data/exif.h"

// libjpeg leaves its functions by longjmp. So every function below that calls setjmp has only trivial local variables,
// and what has a destructor belongs to its caller.
namespace scorefield {
namespace {

/// Far more than any encoder writes; a small file of endless scans would keep us busy for hours.
constexpr int kMostScans = 100;

struct ErrorManager : jpeg_error_mgr {
  std::jmp_buf escape;
  std::array<char, JMSG_LENGTH_MAX> text{};
};

struct ProgressMonitor : jpeg_progress_mgr {
  const std::atomic<bool>* cancelled = nullptr;
};

[[noreturn]] void keep_error(j_common_ptr jpeg) {
  auto& errors = *static_cast<ErrorManager*>(jpeg->err);
  errors.format_message(jpeg, errors.text.data());
  std::longjmp(errors.escape, 1);
}

void refuse_warnings(j_common_ptr jpeg, int level) {
  // libjpeg guesses at what is missing or damaged, and warns.
  if (level < 0) keep_error(jpeg);
}

void watch(j_common_ptr jpeg) {
  const auto& progress = *static_cast<ProgressMonitor*>(jpeg->progress);
  auto& errors = *static_cast<ErrorManager*>(jpeg->err);
  const bool stop = progress.cancelled != nullptr && progress.cancelled->load(std::memory_order_relaxed);
  const int scan = jpeg->is_decompressor != 0 ? reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number : 0;
  if (!stop && scan <= kMostScans) return;
  std::snprintf(errors.text.data(), errors.text.size(), "more than %d scans", kMostScans);
  std::longjmp(errors.escape, 1);
}

struct Header {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t components = 0;
  std::size_t blocks = 0;             // of 8 x 8 samples, over all components
  std::size_t coefficient_bytes = 0;  // that libjpeg keeps while it decodes
  bool arithmetic = false;            // else Huffman codes
};

class JpegReader {
 public:
  explicit JpegReader(const Context& context) {
    jpeg_.err = jpeg_std_error(&errors_);
    errors_.error_exit = keep_error;
    errors_.emit_message = refuse_warnings;
    progress_.progress_monitor = watch;
    progress_.cancelled = context.cancelled;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  /// False: libjpeg refused.
  bool read_header(std::span<const std::byte> bytes, Header& header) {
    if (setjmp(errors_.escape) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.progress = &progress_;
    jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&jpeg_, TRUE);
    header.height = jpeg_.image_height;
    header.width = jpeg_.image_width;
    header.components = static_cast<std::size_t>(jpeg_.num_components);
    header.arithmetic = jpeg_.arith_code != 0;
    for (int k = 0; k < jpeg_.num_components; ++k) {
      header.blocks += std::size_t{jpeg_.comp_info[k].width_in_blocks} * jpeg_.comp_info[k].height_in_blocks;
    }
    if (jpeg_has_multiple_scans(&jpeg_)) header.coefficient_bytes = header.blocks * DCTSIZE2 * sizeof(JCOEF);
    return true;
  }

  /// pixels: [height, width, components]: grey, RGB or CMYK.
  bool read_pixels(const Header& header, std::uint8_t* pixels) {
    if (setjmp(errors_.escape) != 0) return false;
    jpeg_.out_color_space = header.components == 1 ? JCS_GRAYSCALE : header.components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_start_decompress(&jpeg_);
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW row = pixels + jpeg_.output_scanline * header.width * header.components;
      jpeg_read_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  int orientation() const {
    for (auto marker = jpeg_.marker_list; marker != nullptr; marker = marker->next) {
      const int found = exif_orientation(std::as_bytes(std::span(marker->data, marker->data_length)));
      if (found != 1) return found;
    }
    return 1;
  }

  const char* explanation() const { return errors_.text.data(); }

 private:
  jpeg_decompress_struct jpeg_{};
  ErrorManager errors_{};
  ProgressMonitor progress_{};
};

/// pixels: inverted CMYK.
std::vector<std::uint8_t> cmyk_to_rgb(const std::vector<std::uint8_t>& pixels) {
  std::vector<std::uint8_t> rgb;
  rgb.reserve(pixels.size() / 4 * 3);
  for (std::size_t k = 0; k + 3 < pixels.size(); k += 4) {
    for (std::size_t c = 0; c < 3; ++c) {
      rgb.push_back(static_cast<std::uint8_t>((pixels[k + c] * pixels[k + 3] + 127) / 255));
    }
  }
  return rgb;
}

}  // namespace

bool looks_like_jpeg(std::span<const std::byte> bytes) {
  return begins_with(bytes, "\xff\xd8\xff");
}

DecodedImage read_jpeg(const Blob& file, const Context& context) {
  if (!looks_like_jpeg(file.bytes)) throw Error(fmt::format("{}: not a JPEG file", file.name));
  JpegReader reader(context);
  Header header;
  const auto fail = [&](std::string_view why) {
    context.check_cancelled();
    throw Error(fmt::format("{}: damaged JPEG: {}", file.name, why));
  };
  if (!reader.read_header(file.bytes, header)) fail(reader.explanation());
  if (header.components != 1 && header.components != 3 && header.components != 4) {
    fail(fmt::format("{} components; a picture has 1 (grey), 3 (colour) or 4 (CMYK)", header.components));
  }
  // The Huffman code of a block takes a bit at least.
  if (!header.arithmetic && header.blocks / 8 > file.bytes.size()) {
    fail(fmt::format("its header says {} x {} pixels, more than a file of {} bytes can hold", header.height,
                     header.width, file.bytes.size()));
  }
  const std::size_t size = header.height * header.width * header.components;
  const int orientation = reader.orientation();
  const bool copied = header.components == 4 || orientation != 1;
  context.check_memory((copied ? 2 * size : size) + header.coefficient_bytes, file.name);
  DecodedImage decoded;
  Image& image = decoded.image;
  image = {header.height, header.width, header.components, std::vector<std::uint8_t>(size)};
  if (!reader.read_pixels(header, image.pixels.data())) fail(reader.explanation());
  if (header.components == 4) {
    image.pixels = cmyk_to_rgb(image.pixels);
    image.channels = 3;
    decoded.changes.cmyk_converted = true;
  }
  if (orientation != 1) {
    image = upright(image, orientation);
    decoded.changes.turned = true;
  }
  return decoded;
}

}  // namespace scorefield

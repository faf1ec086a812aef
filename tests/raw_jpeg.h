// JPEG files of every kind that libjpeg writes, and EXIF data put together by hand: what the readers' tests are fed
// with.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// After <cstdio>: it needs FILE.
#include <jpeglib.h>

#include "scorefield/base/error.h"

namespace scorefield::test_files {

struct RawJpeg {
  std::size_t width = 8;
  std::size_t height = 8;
  J_COLOR_SPACE given = JCS_GRAYSCALE;   // what `samples` are
  J_COLOR_SPACE stored = JCS_GRAYSCALE;  // what the file holds
  std::vector<std::uint8_t> samples;     // [height, width, components]
  bool progressive = false;
  bool arithmetic = false;
  std::size_t scans = 0;  // progressive: the DC coefficients, then so many times the same of the last AC coefficient
  std::string app1 = {};  // content of an APP1 marker

  std::string bytes() const {
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);  // a mistake of the test ends the test program
    jpeg_create_compress(&jpeg);
    unsigned char* out = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&jpeg, &out, &size);
    jpeg.image_width = static_cast<JDIMENSION>(width);
    jpeg.image_height = static_cast<JDIMENSION>(height);
    jpeg.in_color_space = given;
    jpeg.input_components = given == JCS_GRAYSCALE ? 1 : given == JCS_CMYK ? 4 : given == JCS_UNKNOWN ? 2 : 3;
    ensure(samples.size() == width * height * static_cast<std::size_t>(jpeg.input_components), "samples fit");
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, stored);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int k = 0; k < jpeg.num_components; ++k) jpeg.comp_info[k].h_samp_factor = jpeg.comp_info[k].v_samp_factor = 1;
    jpeg.arith_code = arithmetic ? TRUE : FALSE;
    const std::array<jpeg_scan_info, 2> script{{{1, {0, 0, 0, 0}, 0, 0, 0, 0}, {1, {0, 0, 0, 0}, 63, 63, 0, 0}}};
    if (scans > 0) {
      jpeg.scan_info = script.data();
      jpeg.num_scans = static_cast<int>(script.size());
    } else if (progressive) {
      jpeg_simple_progression(&jpeg);
    }
    jpeg_start_compress(&jpeg, TRUE);
    if (!app1.empty()) {
      jpeg_write_marker(&jpeg, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(app1.data()),
                        static_cast<unsigned>(app1.size()));
    }
    for (std::size_t y = 0; y < height; ++y) {
      auto* row = const_cast<JSAMPLE*>(samples.data()) + y * width * static_cast<std::size_t>(jpeg.input_components);
      jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    std::string content(reinterpret_cast<const char*>(out), size);
    std::free(out);  // NOLINT(cppcoreguidelines-owning-memory): libjpeg allocated it
    const std::string last_scan =
        content.substr(content.rfind("\xff\xda"), content.size() - content.rfind("\xff\xda") - 2);
    for (std::size_t k = 1; k < scans; ++k) content.insert(content.size() - 2, last_scan);
    return content;
  }
};

/// EXIF data that says how the camera was held, in one byte order or the other.
inline std::string exif(int orientation, bool big_endian = false, int type = 3) {
  const auto number = [&](unsigned value, int size) {
    std::string bytes;
    for (int k = 0; k < size; ++k) bytes += static_cast<char>(value >> 8 * (big_endian ? size - 1 - k : k) & 0xff);
    return bytes;
  };
  const std::string entry_before = number(0x010f, 2) + number(2, 2) + number(1, 4) + number(0, 4);
  const std::string entry = number(0x0112, 2) + number(static_cast<unsigned>(type), 2) + number(1, 4) +
                            number(static_cast<unsigned>(orientation), 2) + number(0, 2);
  return std::string("Exif\0\0", 6) + (big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) +
         entry_before + entry + number(0, 4);
}

}  // namespace scorefield::test_files

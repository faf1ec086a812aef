// What a fuzzer and the corpus test do with the bytes of images and archives of them. Included by tests and by fuzz/
// only.
#pragma once

#include <string>
#include <vector>

#include "scorefield/data/edm_zip.h"
#include "scorefield/data/hostile_input_test.h"
#include "scorefield/data/image_labels.h"
#include "scorefield/data/jpeg.h"
#include "scorefield/data/png.h"

namespace scorefield::hostile {

/// A decoded picture must be whole, and survive writing and reading.
inline void check(const Image& image) {
  ensure(image.channels == 1 || image.channels == 3, "a picture is grey or RGB");
  ensure(image.pixels.size() == image.height * image.width * image.channels, "a picture has all its pixels");
  if (image.pixels.size() > 4096) return;  // for the fuzzer's speed
  const std::vector<std::byte> bytes = encode_png(image);
  ensure(read_png({"again", bytes, nullptr}, small_context()).image == image, "a written picture is read back");
}

inline std::vector<std::string> read_png_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] { check(read_png(input, small_context()).image); });
  return errors;
}

inline std::vector<std::string> read_jpeg_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] { check(read_jpeg(input, small_context()).image); });
  return errors;
}

/// As the pictures are, and resized; and the bytes as a dataset.json, which no CRC guards then.
inline std::vector<std::string> read_edm_zip_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] {
    const ZipArchive archive(input);
    attempt(errors, [&] { read_edm_zip(archive, std::nullopt, small_context()); });
    attempt(errors, [&] { read_edm_zip(archive, 3, small_context()); });
  });
  attempt(errors, [&] { labels_from_json(input, {"a/1.png"}, small_context()); });
  return errors;
}

}  // namespace scorefield::hostile

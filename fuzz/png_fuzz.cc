#include "../tests/raw_png.h"
#include "fuzz.h"
#include "scorefield/data/hostile_images_test.h"

namespace scorefield::hostile {
namespace {

/// The bytes as what stands inside the chunks, so that mutations get past their CRCs: size, kind, palette,
/// transparency, scanlines.
void read_chunks(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kNumbers = 7;
  if (bytes.size() < kNumbers) return;
  test_files::RawPng png;
  png.width = bytes[0];
  png.height = bytes[1];
  png.depth = static_cast<std::uint8_t>(1 << bytes[2] % 5);
  png.color = static_cast<test_files::PngColor>(bytes[3] % 7);
  png.interlaced = bytes[4] % 2 == 1;
  std::string rest(bytes.begin() + kNumbers, bytes.end());
  const auto take = [&](const char* type, std::size_t size) {
    if (size == 0) return;
    png.before_pixels += test_files::png_chunk(type, rest.substr(0, size));
    rest.erase(0, size);
  };
  take("PLTE", bytes[5]);
  take("tRNS", bytes[6]);
  png.scanlines = rest;
  read_png_input(make_blob("chunks", png.bytes()));
}

}  // namespace
}  // namespace scorefield::hostile

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  scorefield::hostile::read_png_input(scorefield::hostile::fuzz_input(data, size));
  scorefield::hostile::read_chunks({data, size});
  return 0;
}

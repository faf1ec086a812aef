#include "fuzz.h"
#include "scorefield/data/hostile_images_test.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  scorefield::hostile::read_jpeg_input(scorefield::hostile::fuzz_input(data, size));
  return 0;
}

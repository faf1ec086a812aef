#include "fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  scorefield::hostile::read_cifar_input(scorefield::hostile::fuzz_input(data, size));
  return 0;
}

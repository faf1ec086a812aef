#include "scorefield/learn/hostile_safetensors_test.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  scorefield::hostile::read_safetensors_input(scorefield::hostile::fuzz_input(data, size));
  return 0;
}

// What every fuzz target begins with. A target reads its bytes by one reader; only an Error may come out of that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scorefield/data/blob.h"
#include "scorefield/data/hostile_input_test.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace scorefield::hostile {

inline Blob fuzz_input(const std::uint8_t* data, std::size_t size) {
  return {"input", std::as_bytes(std::span(data, size)), nullptr};
}

}  // namespace scorefield::hostile

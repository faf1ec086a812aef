// What a fuzzer and the corpus test do with the bytes of a safetensors file. Included by tests and by fuzz/ only.
#pragma once

#include <string>
#include <vector>

#include "scorefield/data/hostile_input_test.h"
#include "scorefield/learn/safetensors.h"

namespace scorefield::hostile {

/// The header, then every tensor.
inline std::vector<std::string> read_safetensors_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] {
    const SafetensorsFile file(input, small_context());
    for (const std::string& key : file.keys()) attempt(errors, [&] { file.read(key, small_context()); });
    attempt(errors, [&] { file.read("no such tensor", small_context()); });
  });
  return errors;
}

}  // namespace scorefield::hostile

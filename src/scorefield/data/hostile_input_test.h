// What a fuzzer and the corpus test do with bytes: every reader's way in that takes bytes, and the Errors it gives.
// Included by tests and by fuzz/ only.
#pragma once

#include <string>
#include <vector>

#include "scorefield/data/array.h"
#include "scorefield/data/cifar.h"
#include "scorefield/data/idx.h"
#include "scorefield/data/npy.h"
#include "scorefield/data/npz.h"
#include "scorefield/data/points.h"

namespace scorefield::hostile {

/// Small, so that a reader that forgets to ask is found by the fuzzer's own limit.
inline Context small_context() {
  Context context;
  context.memory_limit = std::size_t{64} << 20;
  return context;
}

/// Runs one reading; an Error's text is kept, every other exception goes on and is a finding.
template <class Read>
void attempt(std::vector<std::string>& errors, Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    errors.emplace_back(error.what());
  }
}

/// Two rows of one value, to go with labels from outside.
inline Array two_rows() {
  return make_array(make_blob("rows", std::string("ab")), 0, {ScalarType::kU8, {2, 1}}, {});
}

/// The bytes as images, and as labels.
inline std::vector<std::string> read_idx_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] { read_idx(input, std::nullopt, small_context()); });
  attempt(errors, [&] { array_dataset(two_rows(), read_idx_array(input, small_context()), small_context()); });
  return errors;
}

inline std::vector<std::string> read_npy_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] { array_dataset(read_npy_array(input, small_context()), std::nullopt, small_context()); });
  attempt(errors, [&] { array_dataset(two_rows(), read_npy_array(input, small_context()), small_context()); });
  return errors;
}

/// The data set, then every array.
inline std::vector<std::string> read_npz_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] {
    const NpzFile file(input);
    attempt(errors, [&] { read_npz(file, "", small_context()); });
    for (const std::string& key : file.keys()) attempt(errors, [&] { file.read(key, small_context()); });
    attempt(errors, [&] { file.read("no such key", small_context()); });
  });
  return errors;
}

/// The bytes as the only batch, and behind one of CIFAR-10.
inline std::vector<std::string> read_cifar_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] { read_cifar({input}, small_context()); });
  attempt(errors, [&] { read_cifar({make_blob("first", std::string(3073, '\1')), input}, small_context()); });
  return errors;
}

inline std::vector<std::string> read_points_input(const Blob& input) {
  std::vector<std::string> errors;
  attempt(errors, [&] { read_points(input, small_context()); });
  return errors;
}

}  // namespace scorefield::hostile

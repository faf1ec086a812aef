// What the tests of readers share: bytes by hand, temporary folders, errors as text. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/test_folder_test.h"
#include "scorefield/data/blob.h"

namespace scorefield::testing_support {

/// The text of the Error that `run` throws; a failed test when it throws none.
template <class Run>
std::string error_of(Run&& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

/// Expects that `run` throws an Error whose text contains `part`.
template <class Run>
void expect_error(Run&& run, const std::string& part) {
  const std::string text = error_of(run);
  EXPECT_NE(text.find(part), std::string::npos) << "the error is: " << text << "\nexpected: " << part;
}

/// The bytes of values as this machine holds them.
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A number, most significant byte first.
inline std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

/// Least significant byte first, `size` bytes.
inline std::string little_endian(std::uint64_t value, int size) {
  std::string bytes;
  for (int k = 0; k < size; ++k) bytes += static_cast<char>(value >> (8 * k));
  return bytes;
}

}  // namespace scorefield::testing_support

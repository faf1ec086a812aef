// Reference values from other systems and from 50-digit arithmetic, for tests: `oracle.f64` (little-endian doubles) and
// its index `oracle.tsv` (key, shape, offset in doubles) in the optional folder SCOREFIELD_SHARED_DIR/oracle.
// Tests that need it skip when it is absent; tests/points8.h holds what a test always needs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/paths.h"

namespace scorefield::test {

/// An array of the oracle, row-major; an empty shape is a scalar.
struct OracleArray {
  std::vector<std::size_t> shape;
  std::vector<double> values;

  /// Row i of a matrix, or the i-th matrix of a stack, flattened.
  std::vector<double> operator[](std::size_t i) const {
    const std::size_t length = values.size() / shape.at(0);
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(i * length);
    return {first, first + static_cast<std::ptrdiff_t>(length)};
  }
};

class Oracle {
 public:
  /// Null when there is none:  const Oracle* oracle = Oracle::find(); if (!oracle) GTEST_SKIP() << Oracle::kAbsent;
  static const Oracle* find() {
    static const std::optional<Oracle> oracle = open();
    return oracle ? &*oracle : nullptr;
  }
  static constexpr const char* kAbsent = "needs the reference values, " SCOREFIELD_SHARED_DIR "/oracle";

  bool has(const std::string& key) const { return index_.contains(key); }

  /// Throws std::runtime_error when there is no such key: a misspelt key must fail a test.
  OracleArray at(const std::string& key) const {
    const auto entry = index_.find(key);
    if (entry == index_.end()) throw std::runtime_error("the oracle has no array " + key);
    OracleArray array{entry->second.shape, {}};
    std::size_t count = 1;
    for (const std::size_t n : array.shape) count *= n;
    array.values.resize(count);
    static_assert(std::endian::native == std::endian::little);
    if ((entry->second.offset + count) * sizeof(double) > bytes_.size())
      throw std::runtime_error(key + " is cut short");
    std::memcpy(array.values.data(), bytes_.data() + entry->second.offset * sizeof(double), count * sizeof(double));
    return array;
  }

 private:
  struct Entry {
    std::vector<std::size_t> shape;
    std::size_t offset = 0;
  };

  static std::optional<Oracle> open() {
    const std::filesystem::path folder = std::filesystem::path(SCOREFIELD_SHARED_DIR) / "oracle";
    std::ifstream table(folder / "oracle.tsv");
    std::ifstream data(folder / "oracle.f64", std::ios::binary);
    if (!table || !data) return std::nullopt;
    Oracle oracle;
    std::stringstream bytes;
    bytes << data.rdbuf();
    oracle.bytes_ = bytes.str();
    for (std::string line; std::getline(table, line);) {
      std::istringstream fields(line);
      std::string key, shape, offset;
      std::getline(fields, key, '\t');
      std::getline(fields, shape, '\t');
      std::getline(fields, offset, '\t');
      Entry entry;
      entry.offset = std::stoul(offset);
      std::istringstream lengths(shape);
      for (std::string length; std::getline(lengths, length, 'x');) entry.shape.push_back(std::stoul(length));
      oracle.index_.emplace(key, entry);
    }
    return oracle;
  }

  std::map<std::string, Entry> index_;
  std::string bytes_;
};

}  // namespace scorefield::test

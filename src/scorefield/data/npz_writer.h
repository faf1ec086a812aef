// Writing .npz piece by piece: memory does not grow with the arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "scorefield/base/file.h"
#include "scorefield/data/array.h"

namespace scorefield {

/// Stored (not compressed) arrays, zip64 where sizes ask for it, the same bytes for the same arrays. Values lie at
/// multiples of 64 in the file, so that NpzFile reads them in place. Without finish() nothing is left.
class NpzWriter {
 public:
  /// Throws Error when the folder cannot be written; so do all other calls when the disk is full.
  explicit NpzWriter(const std::filesystem::path& path) : file_(path) {}

  /// Begins the array `key` in C order; the one before must be complete. Keys must differ.
  void begin_array(const std::string& key, ScalarType type, std::span<const std::size_t> shape);
  /// The next values of the array begun last; all of them together must fill its shape.
  void append(std::span<const std::byte> values);
  template <class T>
  void append(std::span<const T> values) {
    append(std::as_bytes(values));
  }
  /// begin_array() and all its values.
  template <class T>
  void add_array(const std::string& key, std::span<const std::size_t> shape, std::span<const T> values) {
    begin_array(key, scalar_type_of<T>(), shape);
    append(std::as_bytes(values));
  }
  /// Completes the file and moves it to its place.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::size_t local = 0;  // where its local header begins
    std::size_t size = 0;
    std::uint32_t crc = 0;
  };
  void write_content(std::span<const std::byte> bytes);
  void end_array();

  AtomicFile file_;
  std::vector<Entry> entries_;
  std::size_t missing_ = 0;  // bytes still to come of the last array
};

}  // namespace scorefield

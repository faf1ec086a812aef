// safetensors: named tensors in one file. An 8-byte length, a JSON header, then the values, raw and without holes
// (https://github.com/huggingface/safetensors#format).
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/data/array.h"

namespace scorefield {

/// The strings under "__metadata__".
using TensorMetadata = std::map<std::string, std::string>;

/// A file as it was read; each tensor is a view of its bytes.
class SafetensorsFile {
 public:
  /// Reads the header and checks all of it. Throws Error for bytes that are no sound file: a header that is no JSON or
  /// has anything else in it than the format has, a tensor that stands there twice, overlaps another, leaves a hole,
  /// ends outside the file or does not fill its shape. Known are the types F64, F32, F16 and whole numbers of 8 to 64
  /// bits.
  SafetensorsFile(Blob file, const Context& context);

  const std::string& name() const { return file_.name; }
  const TensorMetadata& metadata() const { return metadata_; }
  /// In the order of the file's bytes.
  std::vector<std::string> keys() const;
  bool contains(std::string_view key) const { return tensors_.find(key) != tensors_.end(); }
  /// Shares the file's bytes where they are aligned. Throws Error when there is no such tensor (with near names).
  Array read(const std::string& key, const Context& context) const;

 private:
  struct Place {
    ArrayLayout layout;
    std::size_t begin = 0;  // in the file
    std::size_t end = 0;
  };
  Blob file_;
  TensorMetadata metadata_;
  std::map<std::string, Place, std::less<>> tensors_;
};

/// Throws Error (with the path) when it cannot be read, or as SafetensorsFile does.
SafetensorsFile open_safetensors(const std::filesystem::path& path, const Context& context);

/// A tensor to be written: `bytes` are its values in C order.
struct TensorBytes {
  std::string name;
  ScalarType type = ScalarType::kF32;
  std::vector<std::size_t> shape;
  std::span<const std::byte> bytes;
};

/// The file's bytes before the first value. Tensors stand in the order of the reference implementation: by type (those
/// of 8 bytes first, so that each is aligned), then by name; `tensors` is put into this order. The header is padded
/// with spaces to a multiple of 8.
std::string safetensors_header(std::vector<TensorBytes>& tensors, const TensorMetadata& metadata);

/// The same bytes for the same tensors in whatever order; beside the target first, then renamed. Throws Error (with the
/// path) when the disk is full or fails. Names must differ and not be "__metadata__".
void write_safetensors(const std::filesystem::path& path, std::vector<TensorBytes> tensors,
                       const TensorMetadata& metadata);

}  // namespace scorefield

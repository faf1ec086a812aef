// Arrays as files hold them (NumPy's word for it), and the rule that makes a data set of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/error.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

enum class ScalarType { kU8, kI8, kU16, kI16, kU32, kI32, kU64, kI64, kF16, kF32, kF64 };

/// An IEEE half as its bits.
struct Half {
  std::uint16_t bits;
  float value() const;
};

std::size_t size_of(ScalarType type);
/// NumPy's name: "uint8", "float32".
std::string_view name_of(ScalarType type);

template <class T>
constexpr ScalarType scalar_type_of() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return ScalarType::kU8;
  if constexpr (std::is_same_v<T, std::int8_t>) return ScalarType::kI8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return ScalarType::kU16;
  if constexpr (std::is_same_v<T, std::int16_t>) return ScalarType::kI16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return ScalarType::kU32;
  if constexpr (std::is_same_v<T, std::int32_t>) return ScalarType::kI32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return ScalarType::kU64;
  if constexpr (std::is_same_v<T, std::int64_t>) return ScalarType::kI64;
  if constexpr (std::is_same_v<T, Half>) return ScalarType::kF16;
  if constexpr (std::is_same_v<T, float>) return ScalarType::kF32;
  if constexpr (std::is_same_v<T, double>) return ScalarType::kF64;
}

/// An array in this machine's byte order, C order, aligned for its type. Cheap to copy: copies share the bytes.
struct Array {
  std::string name;  // for errors
  ScalarType type = ScalarType::kU8;
  std::vector<std::size_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;

  std::size_t count() const { return bytes.size() / size_of(type); }
  /// Throws Error when the array holds another type.
  template <class T>
  std::span<const T> values() const {
    check_type(scalar_type_of<T>());
    return {reinterpret_cast<const T*>(bytes.data()), count()};
  }

 private:
  void check_type(ScalarType wanted) const;
};

/// Where an array begins in a blob, and how it is laid out there.
struct ArrayLayout {
  ScalarType type = ScalarType::kU8;
  std::vector<std::size_t> shape;
  bool big_endian = false;
  bool fortran_order = false;
};

/// Bytes that an array of this layout takes. Throws Error when that is over 2^62.
std::size_t byte_size(const ArrayLayout& layout, const std::string& name);

/// The array that `blob` holds from `offset` on, exactly to its end. Shares the bytes when they are as Array wants
/// them, otherwise makes a copy. Throws Error when the blob is too short or too long, or memory is over the limit.
Array make_array(const Blob& blob, std::size_t offset, const ArrayLayout& layout, const Context& context);

/// Labels number classes; tables by class are made elsewhere, so a stray value must not make them huge.
inline constexpr std::int64_t kLargestLabel = 1'000'000;

/// The data set of an array [N, d], [N, H, W], or four axes with 1 to 4 channels: 8-bit arrays are read as [N, H, W, C]
/// when the last axis fits and else as [N, C, H, W], others the other way round (then [N, C, H, W] with any C).
/// uint8, float32 and float64 stay as they are; other types become float32 where that is exact and else float64.
/// 8-bit images get kImageUnits; everything else keeps its values. `labels`: integers, [N] or [N, 1].
/// Throws Error on other shapes, empty arrays, values that are not finite (with the row) or not exact in double.
Dataset array_dataset(const Array& array, const std::optional<Array>& labels, const Context& context);

}  // namespace scorefield

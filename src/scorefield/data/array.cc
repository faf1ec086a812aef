#include "scorefield/data/array.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

namespace scorefield {
namespace {

/// Calls f with a value of the C++ type that `type` stands for.
template <class F>
auto visit_scalar(ScalarType type, F&& f) {
  switch (type) {
    case ScalarType::kU8:
      return f(std::uint8_t{});
    case ScalarType::kI8:
      return f(std::int8_t{});
    case ScalarType::kU16:
      return f(std::uint16_t{});
    case ScalarType::kI16:
      return f(std::int16_t{});
    case ScalarType::kU32:
      return f(std::uint32_t{});
    case ScalarType::kI32:
      return f(std::int32_t{});
    case ScalarType::kU64:
      return f(std::uint64_t{});
    case ScalarType::kI64:
      return f(std::int64_t{});
    case ScalarType::kF16:
      return f(Half{});
    case ScalarType::kF32:
      return f(float{});
    case ScalarType::kF64:
      return f(double{});
  }
  throw Bug("a scalar type has a name");
}

/// Where element k (C order) of an array in Fortran order lies, in elements; walks k = 0, 1, 2, ...
class FortranWalk {
 public:
  explicit FortranWalk(const std::vector<std::size_t>& shape) : shape_(shape), index_(shape.size()) {
    std::size_t stride = 1;
    for (const std::size_t n : shape) {
      strides_.push_back(stride);
      stride *= n;
    }
  }
  std::size_t position() const { return position_; }
  void advance() {
    for (std::size_t axis = shape_.size(); axis-- > 0;) {
      position_ += strides_[axis];
      if (++index_[axis] < shape_[axis]) return;
      position_ -= strides_[axis] * shape_[axis];
      index_[axis] = 0;
    }
  }

 private:
  std::vector<std::size_t> shape_;
  std::vector<std::size_t> index_;
  std::vector<std::size_t> strides_;
  std::size_t position_ = 0;
};

std::string shape_text(const std::vector<std::size_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// How the axes of a data array are read. Vectors are images of one row of pixels here.
struct Axes {
  std::size_t rows = 0, channels = 1, height = 1, width = 1;
  bool permuted = false;           // channels come last and there are several
  std::vector<std::size_t> shape;  // of a data set's row
  std::string note;
};

Axes read_axes(const Array& array) {
  const auto& s = array.shape;
  for (const std::size_t n : s) {
    if (n == 0) throw Error(fmt::format("{}: the array of shape {} is empty", array.name, shape_text(s)));
  }
  const auto are_channels = [](std::size_t n) { return n <= 4; };
  if (s.size() == 2) return {s[0], 1, 1, s[1], false, {s[1]}, {}};
  if (s.size() == 3) return {s[0], 1, s[1], s[2], false, {1, s[1], s[2]}, {}};
  if (s.size() == 4) {
    const bool first = are_channels(s[1]);
    const bool last = are_channels(s[3]);
    const bool is_u8 = array.type == ScalarType::kU8;
    if (is_u8 && !first && !last) {
      throw Error(
          fmt::format("{}: 8-bit images of shape {} have no axis of 1 to 4 channels; they are taken as "
                      "[N, H, W, C] or [N, C, H, W]",
                      array.name, shape_text(s)));
    }
    if (is_u8 ? last : last && !first) {
      return {s[0], s[3], s[1], s[2], s[3] > 1, {s[3], s[1], s[2]}, "axes read as [N, H, W, C]"};
    }
    return {s[0], s[1], s[2], s[3], false, {s[1], s[2], s[3]}, "axes read as [N, C, H, W]"};
  }
  throw Error(
      fmt::format("{}: an array of shape {} is not a data set; vectors are [N, d], images [N, H, W], "
                  "[N, H, W, C] or [N, C, H, W]",
                  array.name, shape_text(s)));
}

[[noreturn]] void throw_bad_value(const std::string& name, std::size_t row, std::size_t k, double value,
                                  const char* why) {
  throw Error(fmt::format("{}: row {} holds {} (value {} of the row), which {}; mend or remove the row", name, row,
                          value, k, why));
}

/// The value as the data set stores it. Throws when it is not finite, or an integer that double cannot hold.
template <class To, class From>
To stored_value(From value, const std::string& name, std::size_t row, std::size_t k) {
  if constexpr (std::is_same_v<From, Half>) {
    return stored_value<To>(value.value(), name, row, k);
  } else if constexpr (std::is_floating_point_v<From>) {
    if (!std::isfinite(value)) throw_bad_value(name, row, k, static_cast<double>(value), "is not a finite number");
    return static_cast<To>(value);
  } else {
    if constexpr (sizeof(From) == 8) {
      // Up to 2^53 every integer is a double; comparing the other way round would round the limit.
      constexpr auto kLimit = From{1} << 53;
      bool inexact = value > kLimit;
      if constexpr (std::is_signed_v<From>) inexact = inexact || value < -kLimit;
      if (inexact) throw_bad_value(name, row, k, static_cast<double>(value), "is over 2^53 and not exact in double");
    }
    return static_cast<To>(value);
  }
}

template <class From>
using StoredAs = std::conditional_t<std::is_same_v<From, std::uint8_t> || std::is_floating_point_v<From>, From,
                                    std::conditional_t<std::is_same_v<From, Half> || sizeof(From) <= 2, float, double>>;

template <class From>
Dataset typed_dataset(const Array& array, const Axes& axes, Affine affine, std::vector<std::int32_t> labels,
                      const Context& context) {
  using To = StoredAs<From>;
  const std::size_t length = axes.channels * axes.height * axes.width;
  const From* from = array.values<From>().data();
  if (std::is_same_v<From, To> && !axes.permuted) {
    // The cast only tells the compiler what the condition says.
    const RowsView<const To> rows(reinterpret_cast<const To*>(from), axes.rows, length);
    if constexpr (std::is_floating_point_v<From>) {
      for (std::size_t row = 0; row < axes.rows; ++row) {
        context.check_cancelled();
        for (std::size_t k = 0; k < length; ++k) stored_value<To>(rows(row, k), array.name, row, k);
      }
    }
    return {array.name, rows, array.owner, axes.shape, affine, std::move(labels)};
  }
  context.check_memory(array.bytes.size() + array.count() * sizeof(To), array.name);
  std::vector<To> values(array.count());
  const std::size_t inner = axes.permuted ? axes.channels : 1;
  const std::size_t outer = length / inner;
  To* to = values.data();
  for (std::size_t row = 0; row < axes.rows; ++row, from += length, to += length) {
    context.check_cancelled();
    for (std::size_t p = 0; p < outer; ++p) {
      for (std::size_t c = 0; c < inner; ++c) {
        const std::size_t k = p * inner + c;
        to[c * outer + p] = stored_value<To>(from[k], array.name, row, k);
      }
    }
  }
  return make_dataset(array.name, std::move(values), axes.shape, affine, std::move(labels));
}

std::vector<std::int32_t> read_labels(const Array& array, std::size_t rows, const Context& context) {
  const bool is_column = array.shape.size() == 2 && array.shape[1] == 1;
  if (array.shape.size() != 1 && !is_column) {
    throw Error(
        fmt::format("{}: labels of shape {}; they are one integer a row, [N]", array.name, shape_text(array.shape)));
  }
  if (array.count() != rows) throw Error(fmt::format("{}: {} labels for {} rows", array.name, array.count(), rows));
  context.check_memory(rows, sizeof(std::int32_t), array.name);
  return visit_scalar(array.type, [&](auto zero) {
    using T = decltype(zero);
    std::vector<std::int32_t> labels;
    if constexpr (std::is_integral_v<T>) {
      labels.reserve(rows);
      for (const T value : array.values<T>()) {
        if (!std::in_range<std::int64_t>(value) || value < T{0} || std::cmp_greater(value, kLargestLabel)) {
          throw Error(fmt::format("{}: the label {} of row {} is not between 0 and {}", array.name, value,
                                  labels.size(), kLargestLabel));
        }
        labels.push_back(static_cast<std::int32_t>(value));
      }
    } else {
      throw Error(fmt::format("{}: labels are {}; they must be integers", array.name, name_of(array.type)));
    }
    return labels;
  });
}

}  // namespace

float Half::value() const {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  float magnitude = 0;
  if (exponent == 31) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

std::size_t size_of(ScalarType type) {
  return visit_scalar(type, [](auto zero) { return sizeof(zero); });
}

std::string_view name_of(ScalarType type) {
  constexpr std::string_view kNames[] = {"uint8",  "int8",  "uint16",  "int16",   "uint32", "int32",
                                         "uint64", "int64", "float16", "float32", "float64"};
  return kNames[static_cast<std::size_t>(type)];
}

void Array::check_type(ScalarType wanted) const {
  if (type != wanted) throw Error(fmt::format("{}: holds {}, not {}", name, name_of(type), name_of(wanted)));
}

std::size_t byte_size(const ArrayLayout& layout, const std::string& name) {
  constexpr std::size_t kMost = std::size_t{1} << 62;
  std::size_t size = size_of(layout.type);
  for (const std::size_t n : layout.shape) {
    if (n != 0 && size > kMost / n) {
      throw Error(fmt::format("{}: the shape {} in its header is impossibly large", name, shape_text(layout.shape)));
    }
    size *= n;
  }
  return size;
}

Array make_array(const Blob& blob, std::size_t offset, const ArrayLayout& layout, const Context& context) {
  const std::size_t size = byte_size(layout, blob.name);
  const std::size_t present = blob.bytes.size() - offset;
  if (present != size) {
    throw Error(fmt::format("{}: {} values of shape {} take {} bytes, but {} follow the header at byte {}", blob.name,
                            name_of(layout.type), shape_text(layout.shape), size, present, offset));
  }
  const std::span<const std::byte> in = blob.bytes.subspan(offset);
  const std::size_t scalar = size_of(layout.type);
  static_assert(std::endian::native == std::endian::little);
  const bool swap = layout.big_endian && scalar > 1;
  const bool transpose = layout.fortran_order && layout.shape.size() > 1;
  const bool aligned = reinterpret_cast<std::uintptr_t>(in.data()) % scalar == 0;
  if (!swap && !transpose && aligned) return {blob.name, layout.type, layout.shape, in, blob.owner};

  context.check_memory(size, blob.name);
  auto out = std::make_shared<std::vector<std::byte>>(size);
  FortranWalk walk(layout.shape);
  for (std::size_t k = 0; k < size; k += scalar) {
    const std::byte* from = in.data() + (transpose ? walk.position() * scalar : k);
    for (std::size_t b = 0; b < scalar; ++b) (*out)[k + b] = from[swap ? scalar - 1 - b : b];
    if (transpose) walk.advance();
  }
  return {blob.name, layout.type, layout.shape, std::span(*out), out};
}

Dataset array_dataset(const Array& array, const std::optional<Array>& labels, const Context& context) {
  const Axes axes = read_axes(array);
  std::vector<std::int32_t> label_values;
  Context rest = context;
  if (labels) {
    label_values = read_labels(*labels, axes.rows, context.without(labels->bytes.size()));
    rest = context.without(labels->bytes.size() + label_values.size() * sizeof(std::int32_t));
  }
  const Affine affine = array.type == ScalarType::kU8 && axes.shape.size() == 3 ? kImageUnits : Affine{};
  const Dataset data = visit_scalar(array.type, [&](auto zero) {
    return typed_dataset<decltype(zero)>(array, axes, affine, std::move(label_values), rest);
  });
  return axes.note.empty() ? data : data.with_note(axes.note);
}

}  // namespace scorefield

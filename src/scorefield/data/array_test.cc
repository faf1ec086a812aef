#include "scorefield/data/array.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "scorefield/data/readers_test.h"

namespace scorefield {
namespace {

using testing_support::expect_error;
using testing_support::raw;

template <class T>
Array array_of(const std::vector<T>& values, std::vector<std::size_t> shape) {
  const Blob blob = make_blob("a", values);
  return make_array(blob, 0, {scalar_type_of<T>(), std::move(shape)}, {});
}

template <class T>
std::vector<T> stored(const Dataset& data) {
  const auto rows = std::get<RowsView<const T>>(data.stored());
  std::vector<T> values;
  for (std::size_t i = 0; i < rows.rows; ++i) values.insert(values.end(), rows[i].begin(), rows[i].end());
  return values;
}

using Shape = std::vector<std::size_t>;

TEST(Array, SharesBytesThatAreAsWanted) {
  const Blob blob = make_blob("a", std::vector<float>{1, 2, 3, 4});
  const Array array = make_array(blob, 0, {ScalarType::kF32, {2, 2}}, {});
  EXPECT_EQ(array.bytes.data(), blob.bytes.data());
  EXPECT_EQ(array_dataset(array, {}, {}).stored().index(), 1u);
}

TEST(Array, BringsBytesIntoThisMachinesOrder) {
  const Blob blob = make_blob("a", std::string("\x01\x02\x03\x04\x05\x06", 6));
  const Array array = make_array(blob, 0, {ScalarType::kU16, {3}, true}, {});
  EXPECT_EQ(array.values<std::uint16_t>()[2], 0x0506);
}

TEST(Array, CopiesBytesThatAreNotAligned) {
  const Blob blob = make_blob("a", "x" + raw<double>({0.5, -3}));
  const Array array = make_array(blob, 1, {ScalarType::kF64, {2}}, {});
  EXPECT_EQ(array.values<double>()[1], -3);
}

TEST(Array, TransposesFortranOrder) {
  // Element (i, j, k) of shape [2, 3, 2] has the value 100 i + 10 j + k and lies at i + 2 (j + 3 k).
  std::vector<std::int16_t> values(12);
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 2; ++k) values[i + 2 * (j + 3 * k)] = static_cast<std::int16_t>(100 * i + 10 * j + k);
    }
  }
  const Array array = make_array(make_blob("a", values), 0, {ScalarType::kI16, {2, 3, 2}, false, true}, {});
  std::size_t at = 0;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 2; ++k) EXPECT_EQ(array.values<std::int16_t>()[at++], 100 * i + 10 * j + k);
    }
  }
}

TEST(Array, HalvesHaveTheirValues) {
  EXPECT_EQ(Half{0x3C00}.value(), 1.0F);
  EXPECT_EQ(Half{0xC000}.value(), -2.0F);
  EXPECT_EQ(Half{0x7BFF}.value(), 65504.0F);
  EXPECT_EQ(Half{0x0001}.value(), std::ldexp(1.0F, -24));
  EXPECT_EQ(Half{0x03FF}.value(), std::ldexp(1023.0F, -24));
  EXPECT_EQ(Half{0x8000}.value(), 0.0F);
  EXPECT_TRUE(std::signbit(Half{0x8000}.value()));
  EXPECT_EQ(Half{0xFC00}.value(), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(Half{0x7E00}.value()));
}

TEST(Array, OtherTypesAreStoredWhereTheyAreExact) {
  EXPECT_EQ(stored<std::uint8_t>(array_dataset(array_of<std::uint8_t>({0, 255}, {1, 2}), {}, {}))[1], 255);
  EXPECT_EQ(stored<float>(array_dataset(array_of<std::int8_t>({-128, 1}, {1, 2}), {}, {}))[0], -128);
  EXPECT_EQ(stored<float>(array_dataset(array_of<std::uint16_t>({65535, 1}, {1, 2}), {}, {}))[0], 65535);
  EXPECT_EQ(stored<float>(array_dataset(array_of<std::int16_t>({-32768, 1}, {1, 2}), {}, {}))[0], -32768);
  EXPECT_EQ(stored<float>(array_dataset(array_of<Half>({{0x3C00}, {0x3800}}, {1, 2}), {}, {}))[1], 0.5);
  EXPECT_EQ(stored<double>(array_dataset(array_of<std::uint32_t>({4294967295, 1}, {1, 2}), {}, {}))[0], 4294967295);
  EXPECT_EQ(stored<double>(array_dataset(array_of<std::int32_t>({-2147483647, 1}, {1, 2}), {}, {}))[0], -2147483647);
  constexpr std::int64_t kLimit = std::int64_t{1} << 53;
  EXPECT_EQ(stored<double>(array_dataset(array_of<std::int64_t>({-kLimit, kLimit}, {1, 2}), {}, {}))[0], -0x1p53);
  expect_error(
      [] {
        array_dataset(array_of<std::int64_t>({0, 0, 0, kLimit + 1}, {2, 2}), {}, {});
      },
      "a: row 1 holds 9007199254740992 (value 1 of the row), which is over 2^53");
  expect_error([] { array_dataset(array_of<std::int64_t>({-kLimit - 1}, {1, 1}), {}, {}); }, "over 2^53");
  expect_error(
      [] {
        array_dataset(array_of<std::uint64_t>({std::uint64_t{kLimit} + 1}, {1, 1}), {}, {});
      },
      "over 2^53");
}

TEST(Array, AxesAreReadByTheRule) {
  const auto read = [](auto scalar, Shape shape) {
    std::size_t count = 1;
    for (const std::size_t n : shape) count *= n;
    return array_dataset(array_of(std::vector<decltype(scalar)>(count), std::move(shape)), {}, {});
  };
  constexpr std::uint8_t kByte = 0;
  EXPECT_EQ(read(kByte, {2, 6}).shape(), Shape({6}));
  EXPECT_EQ(read(kByte, {2, 6}).affine(), Affine{});
  EXPECT_EQ(read(kByte, {2, 6, 5}).shape(), Shape({1, 6, 5}));
  EXPECT_EQ(read(kByte, {2, 6, 5}).affine(), kImageUnits);
  EXPECT_EQ(read(0.0F, {2, 6, 5}).affine(), Affine{});
  EXPECT_EQ(read(kByte, {2, 6, 5, 3}).shape(), Shape({3, 6, 5}));
  EXPECT_EQ(read(kByte, {2, 3, 6, 5}).shape(), Shape({3, 6, 5}));
  EXPECT_EQ(read(0.0F, {2, 3, 6, 5}).shape(), Shape({3, 6, 5}));
  EXPECT_EQ(read(0.0F, {2, 6, 5, 3}).shape(), Shape({3, 6, 5}));
  EXPECT_EQ(read(0.0F, {2, 16, 8, 8}).shape(), Shape({16, 8, 8}));
  // Both axes fit: 8-bit arrays have their channels last, others first.
  EXPECT_EQ(read(kByte, {2, 4, 5, 3}).shape(), Shape({3, 4, 5}));
  EXPECT_EQ(read(0.0, {2, 4, 5, 3}).shape(), Shape({4, 5, 3}));
  EXPECT_EQ(read(kByte, {2, 4, 5, 3}).notes(), std::vector<std::string>{"axes read as [N, H, W, C]"});
  EXPECT_EQ(read(0.0, {2, 4, 5, 3}).notes(), std::vector<std::string>{"axes read as [N, C, H, W]"});
  expect_error([&] { read(kByte, {2, 6, 5, 7}); }, "8-bit images of shape [2, 6, 5, 7] have no axis of 1 to 4");
  expect_error([&] { read(kByte, {4}); }, "an array of shape [4] is not a data set");
  expect_error([&] { read(kByte, {1, 1, 1, 1, 1}); }, "is not a data set");
  expect_error([&] { read(kByte, {0, 4}); }, "the array of shape [0, 4] is empty");
}

TEST(Array, ChannelsComeFirst) {
  // Two pixels of one row: (1, 2, 3) and (4, 5, 6).
  const Dataset data = array_dataset(array_of<std::uint8_t>({1, 2, 3, 4, 5, 6}, {1, 1, 2, 3}), {}, {});
  EXPECT_EQ(stored<std::uint8_t>(data), (std::vector<std::uint8_t>{1, 4, 2, 5, 3, 6}));
}

TEST(Array, NonFiniteValuesAreRefusedWithTheirRow) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  expect_error(
      [&] {
        array_dataset(array_of<float>({0, 1, 2, 3, 4, kNan}, {3, 2}), {}, {});
      },
      "a: row 2 holds nan (value 1 of the row), which is not a finite number");
  expect_error([&] { array_dataset(array_of<double>({-INFINITY, 1}, {2, 1}), {}, {}); }, "row 0 holds -inf");
  expect_error([&] { array_dataset(array_of<Half>({{0}, {0x7C00}}, {2, 1}), {}, {}); }, "row 1 holds inf");
  // A value of an image is found before it is moved: value 4 of the file's row is channel 1 of pixel 1.
  expect_error(
      [&] {
        array_dataset(array_of<float>({0, 1, 2, 3, kNan, 5}, {1, 2, 1, 3}), {}, {});
      },
      "row 0 holds nan (value");
}

TEST(Array, LabelsAreCheckedAgainstTheRows) {
  const Array rows = array_of<float>({1, 2, 3}, {3, 1});
  const Dataset data = array_dataset(rows, array_of<std::int64_t>({5, 0, 7}, {3, 1}), {});
  EXPECT_EQ(data.labels()[2], 7);
  EXPECT_EQ(data.classes(), 8u);
  expect_error([&] { array_dataset(rows, array_of<std::uint8_t>({1, 2}, {2}), {}); }, "a: 2 labels for 3 rows");
  expect_error([&] { array_dataset(rows, array_of<std::int32_t>({1, -2, 0}, {3}), {}); }, "the label -2 of row 1");
  expect_error(
      [&] {
        array_dataset(rows, array_of<std::uint64_t>({1, 2, ~std::uint64_t{0}}, {3}), {});
      },
      "the label 18446744073709551615 of row 2 is not between 0 and 1000000");
  expect_error(
      [&] {
        array_dataset(rows, array_of<float>({1, 2, 3}, {3}), {});
      },
      "labels are float32; they must be integers");
  expect_error([&] { array_dataset(rows, array_of<std::uint8_t>({1, 2, 3}, {1, 3}), {}); }, "labels of shape [1, 3]");
}

TEST(Array, SizesThatLieAreRefused) {
  const Blob blob = make_blob("a", std::string(8, '\0'));
  expect_error(
      [&] {
        make_array(blob, 2, {ScalarType::kF32, {2}}, {});
      },
      "a: float32 values of shape [2] take 8 bytes, but 6 follow the header at byte 2");
  expect_error([&] { make_array(blob, 0, {ScalarType::kU8, {7}}, {}); }, "take 7 bytes, but 8 follow");
  const std::size_t huge = std::size_t{1} << 32;
  expect_error([&] { make_array(blob, 0, {ScalarType::kU8, {huge, huge, huge}}, {}); }, "is impossibly large");
  expect_error([] { array_of<float>({1}, {1}).values<double>(); }, "a: holds float32, not float64");
}

TEST(Array, CopiesKeepTheMemoryLimit) {
  Context small;
  small.memory_limit = 1000;
  const std::vector<std::int32_t> values(200);
  const Array array = array_of(values, {100, 2});
  expect_error([&] { array_dataset(array, {}, small); }, "over the memory limit");
  const Blob blob = make_blob("a", std::vector<std::int32_t>(300));
  expect_error([&] { make_array(blob, 0, {ScalarType::kI32, {300}, true}, small); }, "over the memory limit");
}

}  // namespace
}  // namespace scorefield

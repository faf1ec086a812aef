#include "scorefield/data/npy.h"

#include <gtest/gtest.h>

#include "scorefield/data/readers_test.h"

namespace scorefield {
namespace {

using testing_support::expect_error;
using testing_support::little_endian;
using testing_support::raw;

std::string npy(const std::string& header, const std::string& values, int version = 1) {
  return "\x93NUMPY" + little_endian(version, 1) + '\0' + little_endian(header.size(), version == 1 ? 2 : 4) + header +
         values;
}

std::string header(const std::string& type, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

Array read(const std::string& bytes) {
  return read_npy_array(make_blob("a.npy", bytes), {});
}

TEST(Npy, ReadsEveryVersionTypeAndOrder) {
  EXPECT_EQ(read(npy(header("<f4", "(2,)"), raw<float>({1, 2}))).values<float>()[1], 2);
  EXPECT_EQ(read(npy(header("<f4", "(2,)"), raw<float>({1, 2}), 2)).values<float>()[1], 2);
  EXPECT_EQ(read(npy(header("<f4", "(2,)"), raw<float>({1, 2}), 3)).values<float>()[1], 2);
  EXPECT_EQ(read(npy(header("=f8", "(1,)"), raw<double>({0.1}))).values<double>()[0], 0.1);
  EXPECT_EQ(read(npy(header("|u1", "(1,)"), "\xFF")).values<std::uint8_t>()[0], 255);
  EXPECT_EQ(read(npy(header("|i1", "(1,)"), "\xFF")).values<std::int8_t>()[0], -1);
  EXPECT_EQ(read(npy(header("<u2", "(1,)"), "\xFE\xFF")).values<std::uint16_t>()[0], 0xFFFE);
  EXPECT_EQ(read(npy(header(">i2", "(1,)"), "\xFF\xFE")).values<std::int16_t>()[0], -2);
  EXPECT_EQ(read(npy(header("<u4", "(1,)"), raw<std::uint32_t>({7}))).values<std::uint32_t>()[0], 7u);
  EXPECT_EQ(read(npy(header("<i4", "(1,)"), raw<std::int32_t>({-7}))).values<std::int32_t>()[0], -7);
  EXPECT_EQ(read(npy(header("<u8", "(1,)"), raw<std::uint64_t>({7}))).values<std::uint64_t>()[0], 7u);
  EXPECT_EQ(read(npy(header("<i8", "(1,)"), raw<std::int64_t>({-7}))).values<std::int64_t>()[0], -7);
  EXPECT_EQ(read(npy(header("<f2", "(1,)"), std::string("\0\x3C", 2))).values<Half>()[0].value(), 1);
  // Columns first: [[1, 3], [2, 4]].
  const Array columns = read(npy(header("<i4", "(2, 2)", "True"), raw<std::int32_t>({1, 2, 3, 4})));
  EXPECT_EQ(columns.values<std::int32_t>()[1], 3);
}

TEST(Npy, TakesAnySoundHeader) {
  EXPECT_EQ(read(npy("{\"shape\":(1,1),\"descr\":\"<f4\",\"fortran_order\":False}", raw<float>({1}))).shape.size(), 2u);
  EXPECT_EQ(read(npy(header("<f4", "()"), raw<float>({1}))).shape.size(), 0u);
}

TEST(Npy, RefusesWhatIsNotPlainlyRight) {
  const std::string good = npy(header("<f4", "(2, 3)"), std::string(24, '\0'));
  EXPECT_EQ(read(good).count(), 6u);
  expect_error([] { read("NUMPY"); }, "a.npy: does not begin like an npy file");
  expect_error([&] { read(good.substr(0, 7)); }, "a.npy: ends inside its npy version");
  expect_error([&] { read(good.substr(0, 9)); }, "a.npy: ends inside its npy header");
  expect_error([&] { read(good.substr(0, 40)); }, "a.npy: ends inside its npy header");
  expect_error([] { read(npy(header("<f4", "(1,)"), "1234", 4)); }, "npy version 4; known are 1, 2 and 3");
  expect_error([&] { read(good.substr(0, good.size() - 1)); }, "take 24 bytes, but 23 follow");
  expect_error([&] { read(good + "x"); }, "take 24 bytes, but 25 follow");
  const auto with = [](const std::string& text) { return [text] { read(npy(text, "")); }; };
  expect_error(with(header("|O", "(1,)")), "holds Python objects");
  expect_error(with(header("|b1", "(1,)")), "holds values of type '|b1'");
  expect_error(with(header("<c8", "(1,)")), "holds values of type '<c8'");
  expect_error(with(header("<U3", "(1,)")), "holds values of type '<U3'");
  expect_error(with(header("<f16", "(1,)")), "holds values of type '<f16'");
  expect_error(with("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), "records of several fields");
  expect_error(with("x"), "a.npy: byte 10: not an npy header: expected '{'");
  expect_error(with("{'descr' '<f4'}"), "byte 19: not an npy header: expected ':'");
  expect_error(with("{descr: 1}"), "expected a quoted text");
  expect_error(with("{'descr"), "a quoted text does not end");
  expect_error(with("{'descr': '<f4', 'descr': '<f4'}"), "the key 'descr' is unknown or comes twice");
  expect_error(with("{'size': 3}"), "the key 'size' is unknown or comes twice");
  expect_error(with("{'fortran_order': 0}"), "expected True or False");
  expect_error(with("{'shape': (-1,)}"), "expected a shape");
  expect_error(with("{'shape': (99999999999999999999,)}"), "expected a shape");
  expect_error(with("{'shape': (1 1)}"), "expected ')'");
  expect_error(with("{'shape': (1,)}"), "one of descr, fortran_order, shape is missing");
  expect_error(with(header("<f4", "(1,)") + "x"), "something follows the dict");
  expect_error(with(header("<f4", "(4294967296, 4294967296)")), "impossibly large");
  std::string many = "(";
  for (int k = 0; k < 33; ++k) many += "1, ";
  expect_error(with(header("<f4", many + ")")), "up to 32 whole numbers");
}

TEST(Npy, WritesWhatItReads) {
  const TestFolder folder;
  const std::vector<double> values = {0.5, -1, 3, 1e300};
  const std::size_t shape[] = {2, 2};
  write_npy<double>(folder / "a.npy", shape, values);
  const Array array = read_npy_array(map_blob(folder / "a.npy"), {});
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{2, 2}));
  EXPECT_TRUE(std::equal(values.begin(), values.end(), array.values<double>().begin()));
  // Values begin at a multiple of 64 wherever the array begins.
  for (std::size_t offset = 0; offset < 200; ++offset) {
    EXPECT_EQ((offset + npy_header(ScalarType::kF32, shape, offset).size()) % 64, 0u);
  }
}

}  // namespace
}  // namespace scorefield

#include "scorefield/data/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "scorefield/data/readers_test.h"

namespace scorefield {
namespace {

using testing_support::big_endian;
using testing_support::expect_error;

std::string header(char type, const std::vector<std::uint32_t>& shape) {
  std::string bytes = {'\0', '\0', type, static_cast<char>(shape.size())};
  for (const std::uint32_t n : shape) bytes += big_endian(n);
  return bytes;
}

std::string gzipped(const std::string& content) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Dataset read(const std::string& images, const std::optional<std::string>& labels = {}) {
  std::optional<Blob> label_blob;
  if (labels) label_blob = make_blob("labels", *labels);
  return read_idx(make_blob("images", images), label_blob, {});
}

const std::string kImages = header(8, {2, 2, 3}) + "abcdefghijkl";
const std::string kLabels = header(8, {2}) + std::string("\x03\x01", 2);

TEST(Idx, ReadsImagesAndLabels) {
  for (const bool is_gz : {false, true}) {
    const Dataset data = is_gz ? read(gzipped(kImages), gzipped(kLabels)) : read(kImages, kLabels);
    EXPECT_EQ(data.size(), 2u);
    EXPECT_EQ(data.shape(), (std::vector<std::size_t>{1, 2, 3}));
    EXPECT_EQ(data.affine(), kImageUnits);
    EXPECT_EQ(data.labels()[0], 3);
    EXPECT_EQ((std::get<RowsView<const std::uint8_t>>(data.stored())(1, 5)), 'l');
  }
}

TEST(Idx, ReadsEveryTypeInBigEndianOrder) {
  const std::string two_axes = std::string("\0\0\0\1\0\0\0\1", 8);
  const auto value = [&](char type, const std::string& bytes) {
    double out = 0;
    read(std::string("\0\0", 2) + type + '\2' + two_axes + bytes).row(0, {&out, 1});
    return out;
  };
  EXPECT_EQ(value(0x08, "\xFE"), 254);
  EXPECT_EQ(value(0x09, "\xFE"), -2);
  EXPECT_EQ(value(0x0B, "\xFF\xFE"), -2);
  EXPECT_EQ(value(0x0C, std::string("\0\0\1\0", 4)), 256);
  EXPECT_EQ(value(0x0D, std::string("\x3F\xC0\0\0", 4)), 1.5);
  EXPECT_EQ(value(0x0E, std::string("\xBF\xF8\0\0\0\0\0\0", 8)), -1.5);
}

TEST(Idx, MembersOfAGzipFollowEachOther) {
  EXPECT_EQ(read(gzipped(kImages.substr(0, 9)) + gzipped(kImages.substr(9))).size(), 2u);
}

TEST(Idx, FindsLabelsBeside) {
  const TestFolder folder;
  folder.write("train-images-idx3-ubyte", kImages);
  EXPECT_TRUE(read_idx(folder / "train-images-idx3-ubyte", {}).labels().empty());
  folder.write("train-labels-idx1-ubyte.gz", gzipped(kLabels));
  EXPECT_EQ(read_idx(folder / "train-images-idx3-ubyte", {}).labels()[0], 3);
  folder.write("t10k-images.idx3-ubyte.gz", gzipped(kImages));
  folder.write("t10k-labels.idx1-ubyte", kLabels);
  EXPECT_EQ(read_idx(folder / "t10k-images.idx3-ubyte.gz", {}).labels()[0], 3);
  folder.write("other", kImages);
  EXPECT_TRUE(read_idx(folder / "other", {}).labels().empty());
}

TEST(Idx, RefusesWhatIsNotPlainlyRight) {
  expect_error([] { read("\x01\x02\x03\x04"); }, "images: does not begin like an idx file");
  expect_error([] { read(std::string("\0\0\x08", 3)); }, "does not begin like an idx file");
  expect_error([] { read(kImages.substr(0, 10)); }, "images: ends in its header, before the length of axis 1 of 3");
  expect_error([] { read(kImages.substr(0, 20)); }, "take 12 bytes, but 4 follow the header at byte 16");
  expect_error([] { read(kImages + "m"); }, "take 12 bytes, but 13 follow");
  expect_error([] { read(header(8, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF})); }, "impossibly large");
  expect_error([] { read(header(8, {0, 2, 3})); }, "is empty");
  expect_error([] { read(kLabels); }, "an array of shape [2] is not a data set");
  expect_error([] { read(kImages, kImages); }, "labels: labels of shape [2, 2, 3]");
  expect_error([] { read(kImages, header(8, {3}) + "abc"); }, "labels: 3 labels for 2 rows");
}

TEST(Idx, RefusesBrokenGzip) {
  const std::string good = gzipped(kImages);
  expect_error([&] { read(good.substr(0, good.size() - 9)); }, "images: the compressed data end early, at byte");
  std::string broken = good;
  broken[good.size() - 5] = static_cast<char>(broken[good.size() - 5] ^ 1);  // the CRC-32
  expect_error([&] { read(broken); }, "images: broken compressed data near byte");
  expect_error([&] { read(good + "x"); }, "images: ");
  expect_error([] { read(gzipped(kImages.substr(0, 20))); }, "holds 4 bytes of values, its header promises 12");
  expect_error([] { read(gzipped(kImages + "m")); }, "holds more than the 12 bytes of values");
  expect_error([] { read(gzipped(header(8, {60000, 28, 28}))); }, "its header promises 47040000 bytes, more than");
}

TEST(Idx, ABombIsRefusedBeforeMemoryIsTaken) {
  const std::string bomb = gzipped(header(8, {4096, 1024}) + std::string(std::size_t{4096} * 1024, '\0'));
  EXPECT_LT(bomb.size(), 8192u);
  Context small;
  small.memory_limit = 1 << 20;
  expect_error([&] { read_idx(make_blob("bomb", bomb), {}, small); }, "bomb needs 4 MiB, over the memory limit");
}

}  // namespace
}  // namespace scorefield

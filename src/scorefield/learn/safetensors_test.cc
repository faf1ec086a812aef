#include "scorefield/learn/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "scorefield/base/test_folder_test.h"
#include "scorefield/data/corpus_test.h"
#include "scorefield/learn/hostile_safetensors_test.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;
using testing_support::expect_corpus_reaches_messages;

class SafetensorsTest : public testing::Test {
 protected:
  TestFolder folder_;
};

template <class T>
TensorBytes tensor(std::string name, std::vector<std::size_t> shape, const std::vector<T>& values) {
  return {std::move(name), scalar_type_of<T>(), std::move(shape), std::as_bytes(std::span(values))};
}

std::string error_of(const std::string& bytes, const Context& context = {}) {
  try {
    const SafetensorsFile file(make_blob("file", bytes), context);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A header and `values` zeros after it.
std::string file_with(const std::string& header, std::size_t values) {
  std::string bytes(8, '\0');
  for (std::size_t k = 0; k < 8; ++k) bytes[k] = static_cast<char>(header.size() >> (8 * k) & 0xFF);
  return bytes + header + std::string(values, '\0');
}

TEST_F(SafetensorsTest, BytesAreThoseOfTheReferenceImplementation) {
  // As safetensors.numpy.save writes these tensors: types by their size downward, then names; a header of 8 k bytes.
  const std::vector<std::uint8_t> bytes = {7};
  const std::vector<float> floats = {1, -2};
  const std::vector<double> doubles = {0.5};
  const fs::path path = folder_ / "a.safetensors";
  write_safetensors(
      path, {tensor("u", {1}, bytes), tensor("z", {2}, floats), tensor("b", {1, 2}, floats), tensor("d", {}, doubles)},
      {{"format", "np"}});
  const std::string header =
      R"({"__metadata__":{"format":"np"},"d":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"z":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},)"
      R"("u":{"dtype":"U8","shape":[1],"data_offsets":[24,25]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  std::string expected = file_with(header + std::string(padded - header.size(), ' '), 0);
  expected += std::string("\0\0\0\0\0\0\xe0\x3f", 8);                                // 0.5
  for (int k = 0; k < 2; ++k) expected += std::string("\0\0\x80\x3f\0\0\0\xc0", 8);  // 1, -2
  expected += '\7';
  EXPECT_EQ(read_text(path, {}), expected);
}

TEST_F(SafetensorsTest, ReadsBackWhatWasWritten) {
  const std::vector<float> values = {1.5F, -0.0F, 3e-45F, 2, 3, 4};
  const std::vector<std::int64_t> whole = {-1};
  const std::vector<float> none;
  const fs::path path = folder_ / "a.safetensors";
  write_safetensors(path, {tensor("x", {2, 3}, values), tensor("n", {1}, whole), tensor("empty", {0, 4}, none)},
                    {{"a", "\"quoted\"\n"}, {"b", ""}});
  const SafetensorsFile file = open_safetensors(path, {});
  EXPECT_EQ(file.metadata(), (TensorMetadata{{"a", "\"quoted\"\n"}, {"b", ""}}));
  EXPECT_EQ(file.keys(), (std::vector<std::string>{"n", "empty", "x"}));
  EXPECT_EQ(file.read("x", {}).shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(std::memcmp(file.read("x", {}).bytes.data(), values.data(), 24), 0);
  EXPECT_EQ(file.read("n", {}).values<std::int64_t>()[0], -1);
  EXPECT_EQ(file.read("empty", {}).count(), 0u);
  EXPECT_TRUE(file.contains("x"));
  EXPECT_FALSE(file.contains("y"));
  EXPECT_THROW(file.read("xx", {}), Error);
}

TEST_F(SafetensorsTest, NumpyReadsTensorsByName) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "no NumPy";
  const fs::path path = folder_ / "a.safetensors";
  write_safetensors(path, {tensor("layer.0.weight", {2, 2}, std::vector<float>{1, 2, 3, 4.5})}, {{"step", "12"}});
  const std::string script =
      "import json, sys, numpy as np; raw = open(sys.argv[1], 'rb').read(); n = int.from_bytes(raw[:8], 'little'); "
      "head = json.loads(raw[8:8 + n]); t = head['layer.0.weight']; b, e = t['data_offsets']; "
      "w = np.frombuffer(raw[8 + n:][b:e], {'F32': '<f4'}[t['dtype']]).reshape(t['shape']); "
      "assert w.tolist() == [[1, 2], [3, 4.5]] and head['__metadata__'] == {'step': '12'}";
  EXPECT_EQ(std::system(("/usr/bin/python3 -c \"" + script + "\" " + path.string()).c_str()), 0);
}

TEST_F(SafetensorsTest, NothingIsLeftOfAFileThatCannotBeWritten) {
  EXPECT_THROW(write_safetensors(folder_ / "no/such/folder", {}, {}), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST(Safetensors, CorpusReachesEveryMessage) {
  // A header over 100 MB has a test of its own.
  expect_corpus_reaches_messages("safetensors", {"../learn/safetensors.cc"}, hostile::read_safetensors_input,
                                 {"{}: a header of {} bytes"});
}

TEST(Safetensors, AHeaderIsNoLargerThanTheFormatAllowsAndMemoryIs) {
  EXPECT_THAT(error_of(file_with(std::string(100'000'001, ' '), 0)), testing::HasSubstr("the format allows 100000000"));
  std::string header = "{";
  for (int k = 0; k < 1000; ++k) {
    header += "\"" + std::to_string(k) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
  }
  header.back() = '}';
  EXPECT_EQ(error_of(file_with(header, 0)), "");
  Context context;
  context.memory_limit = 8 * header.size() - 1;
  EXPECT_THAT(error_of(file_with(header, 0), context), testing::HasSubstr("memory"));
}

TEST(Safetensors, EveryCutOfAFileIsRefused) {
  const std::vector<float> values = {1, 2};
  std::vector<TensorBytes> tensors = {tensor("a", {2}, values)};
  const std::string whole = safetensors_header(tensors, {{"k", "v"}}) + std::string(8, '\1');
  EXPECT_EQ(error_of(whole), "");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(error_of(whole.substr(0, length)), "") << length;
  }
}

}  // namespace
}  // namespace scorefield

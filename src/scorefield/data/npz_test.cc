#include "scorefield/data/npz.h"

#include "scorefield/data/npy.h"
#include "scorefield/data/zip_test.h"

namespace scorefield {
namespace {

using testing_support::expect_error;
using testing_support::make_zip;
using testing_support::raw;
using testing_support::ZipPart;

template <class T>
ZipPart entry(const std::string& key, const std::vector<std::size_t>& shape, const std::vector<T>& values,
              int method = 0) {
  return {key + ".npy", npy_header(scalar_type_of<T>(), shape) + raw(values), method};
}

NpzFile open(const std::vector<ZipPart>& parts) {
  return NpzFile(make_blob("a.npz", make_zip(parts)));
}

double first(const Dataset& data) {
  std::vector<double> row(data.dimension());
  data.row(0, row);
  return row[0];
}

TEST(Npz, ReadsArraysByName) {
  const NpzFile file = open({entry<float>("x", {2}, {1, 2}), entry<std::int64_t>("y", {1}, {7}, 8), {"readme", "hi"}});
  EXPECT_EQ(file.keys(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(file.read("x", {}).values<float>()[1], 2);
  EXPECT_EQ(file.read("y", {}).values<std::int64_t>()[0], 7);
  EXPECT_TRUE(file.contains("y"));
  EXPECT_FALSE(file.contains("readme"));
  expect_error([&] { file.read("z", {}); }, "a.npz: holds no array 'z'; there are x, y");
}

TEST(Npz, FindsRowsAndLabels) {
  const ZipPart two = entry<std::uint8_t>("other", {1, 2}, {0, 0});
  for (const auto& [rows, labels] : {std::pair("arr_0", "arr_1"), std::pair("images", "labels"), std::pair("x", "y"),
                                     std::pair("x_train", "y_train")}) {
    const Dataset data =
        read_npz(open({two, entry<float>(rows, {2, 1}, {5, 6}), entry<std::uint8_t>(labels, {2}, {3, 4})}), "", {});
    EXPECT_EQ(first(data), 5) << rows;
    EXPECT_EQ(data.labels()[1], 4) << rows;
  }
  EXPECT_EQ(first(read_npz(open({entry<float>("q", {1, 1}, {8})}), "", {})), 8);
}

TEST(Npz, AKeyCanBeNamed) {
  const NpzFile file = open({entry<float>("x_train", {1, 1}, {1}), entry<float>("x_test", {1, 1}, {2}),
                             entry<std::uint8_t>("y_test", {1}, {9})});
  EXPECT_EQ(first(read_npz(file, "", {})), 1);
  EXPECT_EQ(first(read_npz(file, "x_test", {})), 2);
  EXPECT_EQ(read_npz(file, "x_test", {}).labels()[0], 9);
  expect_error([&] { read_npz(file, "x", {}); }, "holds no array 'x'");
}

TEST(Npz, AdmImagesAreChannelsLast) {
  const Dataset data = read_npz(
      open({entry<std::uint8_t>("arr_0", {1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}), entry<std::int64_t>("arr_1", {1}, {2})}),
      "", {});
  EXPECT_EQ(data.shape(), (std::vector<std::size_t>{3, 1, 2}));
  EXPECT_EQ((std::get<RowsView<const std::uint8_t>>(data.stored())(0, 1)), 4);
}

TEST(Npz, RowsAndLabelsShareTheMemory) {
  const std::vector<std::uint8_t> zeros(60000);
  const std::vector<ZipPart> deflated = {entry<std::uint8_t>("x", {60000, 1}, zeros, 8),
                                         entry<std::uint8_t>("y", {60000}, zeros, 8)};
  Context context;
  context.memory_limit = 100000;  // enough for either
  expect_error([&] { read_npz(open(deflated), "", context); }, "a.npz: x.npy needs 58.8 KiB, over the memory limit");
  context.memory_limit = 200000;  // enough for both, but in memory a label takes 4 bytes
  expect_error([&] { read_npz(open(deflated), "", context); }, "a.npz: y.npy needs 234.4 KiB, over the memory limit");
  context.memory_limit = 400000;
  EXPECT_EQ(read_npz(open(deflated), "", context).labels().size(), 60000U);
}

TEST(Npz, RefusesWhatDoesNotSayWhatItIs) {
  expect_error(
      [] {
        read_npz(open({entry<float>("a", {1, 1}, {1}), entry<float>("b", {1, 1}, {1})}), "", {});
      },
      "a.npz: holds the arrays a, b; name one with --key");
  expect_error([] { read_npz(open({{"a.txt", ""}}), "", {}); }, "a.npz: holds no arrays");
  expect_error([] { read_npz(open({{"x.npy", "nonsense"}}), "", {}); }, "a.npz: x.npy: does not begin like an npy");
  expect_error(
      [] {
        read_npz(open({entry<float>("x", {1, 1}, {1}), entry<std::uint8_t>("y", {2}, {1, 2})}), "", {});
      },
      "a.npz: y.npy: 2 labels for 1 rows");
}

}  // namespace
}  // namespace scorefield

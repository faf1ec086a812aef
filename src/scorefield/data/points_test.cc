#include "scorefield/data/points.h"

#include <gtest/gtest.h>

#include "scorefield/data/readers_test.h"

namespace scorefield {
namespace {

using testing_support::expect_error;

Dataset read(const std::string& text, const Context& context = {}) {
  return read_points(make_blob("p.csv", text), context);
}

std::vector<double> values(const Dataset& data) {
  const auto rows = std::get<RowsView<const double>>(data.stored());
  return {rows.data, rows.data + rows.rows * rows.cols};
}

using Values = std::vector<double>;

TEST(Points, TakesTheUsualSeparators) {
  EXPECT_EQ(values(read("1,2\n3,4\n")), (Values{1, 2, 3, 4}));
  EXPECT_EQ(values(read("1, 2\n 3 ,4")), (Values{1, 2, 3, 4}));
  EXPECT_EQ(values(read("1;2\r\n3;4\r\n")), (Values{1, 2, 3, 4}));
  EXPECT_EQ(values(read("1\t2\n3\t4\n")), (Values{1, 2, 3, 4}));
  EXPECT_EQ(values(read("  1   2 \n3 \t 4\n")), (Values{1, 2, 3, 4}));
  EXPECT_EQ(read("1\n2\n3\n").shape(), (std::vector<std::size_t>{1}));
  EXPECT_EQ(read("1,2").affine(), Affine{});
}

TEST(Points, NumbersAreReadExactly) {
  EXPECT_EQ(values(read("0.1 -2.5e-3 +7 1e300 4.9e-324")), (Values{0.1, -2.5e-3, 7, 1e300, 4.9e-324}));
}

TEST(Points, SkipsCommentsAndEmptyLines) {
  EXPECT_EQ(values(read("\xEF\xBB\xBF# a comment\n\n1 2 # the first\n   \n3 4\n#end")), (Values{1, 2, 3, 4}));
}

TEST(Points, AHeaderMayNameLabels) {
  const Dataset data = read("x,\"label\",y\n1,0,2\n3,5,4\n");
  EXPECT_EQ(values(data), (Values{1, 2, 3, 4}));
  EXPECT_EQ(data.labels()[1], 5);
  EXPECT_TRUE(read("x,y\n1,2\n").labels().empty());
}

TEST(Points, ErrorsNameTheLine) {
  expect_error([] { read("1,2\n3\n"); }, "p.csv: line 2: 1 columns, but line 1 has 2");
  expect_error([] { read("# c\n1,2\n3,4,5\n"); }, "p.csv: line 3: 3 columns, but line 2 has 2");
  expect_error([] { read("1,2\n3,four\n"); }, "p.csv: line 2: column 2: 'four' is not a number");
  expect_error([] { read("1,2\n3,\n"); }, "p.csv: line 2: column 2: '' is not a number");
  expect_error([] { read("1,abc\n"); }, "line 1: column 2: 'abc' is not a number");
  expect_error([] { read("1;2,5\n"); }, "line 1: column 2: '2,5' is not a number");
  expect_error([] { read("1 0x10\n"); }, "'0x10' is not a number");
  expect_error([] { read("1 nan\n"); }, "p.csv: line 1: column 2: 'nan' is not finite");
  expect_error([] { read("1 -inf\n"); }, "'-inf' is not finite");
  expect_error([] { read("1 1e999\n"); }, "'1e999' is not finite");
  expect_error([] { read("1 " + std::string(100, 'z')); }, "'" + std::string(40, 'z') + "...' is not a number");
  expect_error([] { read("x,label\n1,-1\n"); }, "line 2: the label '-1' is not a whole number from 0 to 1000000");
  expect_error([] { read("x,label\n1,0.5\n"); }, "the label '0.5'");
  expect_error([] { read("label,label,x\n"); }, "line 1: two columns are named label");
  expect_error([] { read("label\n1\n"); }, "line 1: there is no column besides label");
  expect_error([] { read(",x\n0,1\n"); }, "line 1: column 1 has no name; is it an index?");
  expect_error([] { read("x,y\n"); }, "p.csv: holds no point");
  expect_error([] { read(""); }, "p.csv: holds no point");
}

TEST(Points, MemoryIsCheckedBeforeItIsTaken) {
  Context small;
  small.memory_limit = 1000;
  std::string text;
  for (int k = 0; k < 200; ++k) text += "1\n";
  expect_error([&] { read(text, small); }, "p.csv needs 1.6 KiB, over the memory limit");
  // Many empty lines under a wide one need no more than the bytes can hold.
  std::string wide;
  for (int k = 0; k < 30; ++k) wide += "1,";
  EXPECT_EQ(read(wide + "1\n" + std::string(100, '\n'), small).size(), 1u);
}

TEST(Points, TextIsToldFromOtherFiles) {
  const auto is_text = [](const std::string& s) { return looks_like_text(make_blob("", s).bytes); };
  EXPECT_TRUE(is_text("x,y\r\n1\t2\n"));
  EXPECT_TRUE(
      is_text("\xEF\xBB\xBF"
              "1"));
  EXPECT_FALSE(is_text(std::string("1\0", 2)));
  EXPECT_FALSE(
      is_text("\x7F"
              "ELF"));
}

}  // namespace
}  // namespace scorefield

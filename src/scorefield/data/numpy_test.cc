// Files that NumPy itself writes: the reference for what .npy and .npz mean. Skipped where there is no NumPy.
#include <gtest/gtest.h>

#include <cstdlib>

#include "scorefield/data/npz.h"
#include "scorefield/data/readers_test.h"

namespace scorefield {
namespace {

bool has_numpy() {
  return std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") == 0;
}

void run_python(const std::string& script, const std::filesystem::path& argument) {
  const std::string command = "/usr/bin/python3 -c \"" + script + "\" '" + argument.string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
}

TEST(NumPy, EveryTypeAndOrderReadsAsWritten) {
  if (!has_numpy()) GTEST_SKIP() << "no NumPy";
  const TestFolder folder;
  // Value (i, j, k) = 25 i + 5 j + k - 30, or + 0 for unsigned types: exact in every type.
  run_python(
      "import numpy as n, sys\n"
      "a = {}\n"
      "for t in 'u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8'.split():\n"
      "  for e in '<>':\n"
      "    for o in 'CF':\n"
      "      v = n.arange(4)[:, None, None] * 25 + n.arange(3)[:, None] * 5 + n.arange(2) - (30 if t[0] != 'u' else "
      "0)\n"
      "      a[t + ('little' if e == '<' else 'big') + o] = n.array(v, dtype=e + t, order=o)\n"
      "n.savez_compressed(sys.argv[1], **a)\n",
      folder / "a.npz");
  const NpzFile file = open_npz(folder / "a.npz");
  ASSERT_EQ(file.keys().size(), 44u);
  for (const std::string& key : file.keys()) {
    const Dataset data = read_npz(file, key, {}).with_affine({});
    ASSERT_EQ(data.shape(), (std::vector<std::size_t>{1, 3, 2})) << key;
    const int offset = key[0] == 'u' ? 0 : -30;
    std::vector<double> row(6);
    for (int i = 0; i < 4; ++i) {
      data.row(i, row);
      for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < 2; ++k) EXPECT_EQ(row[2 * j + k], 25 * i + 5 * j + k + offset) << key;
      }
    }
  }
}

TEST(NumPy, AdmSamplesReadAsWritten) {
  if (!has_numpy()) GTEST_SKIP() << "no NumPy";
  const TestFolder folder;
  run_python(
      "import numpy as n, sys\n"
      "n.savez(sys.argv[1], n.arange(2 * 4 * 5 * 3, dtype='u1').reshape(2, 4, 5, 3), n.array([7, 1]))\n",
      folder / "a.npz");
  const Dataset data = read_npz(open_npz(folder / "a.npz"), "", {});
  EXPECT_EQ(data.shape(), (std::vector<std::size_t>{3, 4, 5}));
  EXPECT_EQ(data.labels()[0], 7);
  const auto rows = std::get<RowsView<const std::uint8_t>>(data.stored());
  // Row 1, channel 2, y 3, x 4 stands at ((1 * 4 + 3) * 5 + 4) * 3 + 2 of the file.
  EXPECT_EQ(rows(1, (2 * 4 + 3) * 5 + 4), ((1 * 4 + 3) * 5 + 4) * 3 + 2);
}

}  // namespace
}  // namespace scorefield

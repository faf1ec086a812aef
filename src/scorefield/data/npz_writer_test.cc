#include "scorefield/data/npz_writer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "scorefield/base/test_folder_test.h"
#include "scorefield/data/npy.h"
#include "scorefield/data/npz.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

class NpzWriterTest : public testing::Test {
 protected:
  TestFolder folder_;
};

TEST_F(NpzWriterTest, ReadsBackWhatWasWritten) {
  const fs::path path = folder_ / "a.npz";
  std::vector<float> values(3 * 7);
  std::iota(values.begin(), values.end(), -4.5F);
  const std::vector<std::int64_t> labels = {1, 0, 2};
  NpzWriter writer(path);
  const std::size_t shape[] = {3, 7};
  writer.begin_array("arr_0", ScalarType::kF32, shape);
  writer.append(std::span<const float>(values).first(5));
  writer.append(std::span<const float>(values).subspan(5));
  const std::size_t label_shape[] = {3};
  writer.add_array<std::int64_t>("arr_1", label_shape, labels);
  writer.finish();

  const NpzFile file = open_npz(path);
  EXPECT_EQ(file.keys(), (std::vector<std::string>{"arr_0", "arr_1"}));
  const Array array = file.read("arr_0", {});
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{3, 7}));
  EXPECT_TRUE(std::equal(values.begin(), values.end(), array.values<float>().begin()));
  // In place: at a multiple of 64 of a map that begins at a page.
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.bytes.data()) % 64, 0u);
  const Dataset data = read_npz(file, "", {});
  EXPECT_EQ(data.size(), 3u);
  EXPECT_EQ(data.labels()[2], 2);
}

TEST_F(NpzWriterTest, NumpyReadsIt) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "no NumPy";
  const fs::path path = folder_ / "a.npz";
  const std::vector<std::uint8_t> pixels = {0, 1, 2, 3, 254, 255};
  const std::vector<double> empty;
  NpzWriter writer(path);
  const std::size_t image_shape[] = {1, 2, 1, 3};
  writer.add_array<std::uint8_t>("arr_0", image_shape, pixels);
  const std::size_t empty_shape[] = {0, 2};
  writer.add_array<double>("empty", empty_shape, empty);
  writer.add_array<double>("scalar", {}, std::vector<double>{0.25});
  writer.finish();
  write_npy<double>(folder_ / "b.npy", std::vector<std::size_t>{2, 1}, std::vector<double>{1.5, -2});
  const std::string script =
      "import numpy, sys; f = numpy.load(sys.argv[1]); a = f['arr_0']; "
      "assert a.dtype == 'u1' and a.shape == (1, 2, 1, 3) and a.ravel().tolist() == [0, 1, 2, 3, 254, 255]; "
      "assert f['empty'].shape == (0, 2) and f['scalar'] == 0.25 and f['scalar'].shape == (); "
      "assert numpy.load(sys.argv[2], mmap_mode='r').tolist() == [[1.5], [-2]]";
  const std::string command =
      "/usr/bin/python3 -c \"" + script + "\" " + path.string() + " " + (folder_ / "b.npy").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_F(NpzWriterTest, ArraysBeyondFourGigabytes) {
  if (std::getenv("SCOREFIELD_LONG_TESTS") == nullptr) GTEST_SKIP() << "SCOREFIELD_LONG_TESTS is not set";
  const fs::path path = folder_ / "a.npz";
  const std::vector<std::uint8_t> chunk(std::size_t{1} << 24, 7);
  constexpr std::size_t kChunks = 257;  // 4 GiB and 16 MiB
  {
    NpzWriter writer(path);
    writer.begin_array("large", ScalarType::kU8, std::vector<std::size_t>{kChunks, chunk.size()});
    for (std::size_t k = 0; k < kChunks; ++k) writer.append(std::span<const std::uint8_t>(chunk));
    writer.add_array<double>("behind", std::vector<std::size_t>{1}, std::vector<double>{0.25});
    writer.finish();
  }
  Context context;
  context.memory_limit = 1 << 20;
  const NpzFile file = open_npz(path);
  EXPECT_EQ(file.read("behind", context).values<double>()[0], 0.25);
  EXPECT_EQ(file.read("large", context).values<std::uint8_t>().back(), 7);
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) return;
  const std::string script =
      "import numpy, sys; f = numpy.load(sys.argv[1]); assert f['behind'].tolist() == [0.25]; "
      "assert f.zip.testzip() is None and f.zip.getinfo('large.npy').file_size > 2 ** 32";
  EXPECT_EQ(std::system(("/usr/bin/python3 -c \"" + script + "\" " + path.string()).c_str()), 0);
}

TEST_F(NpzWriterTest, NothingIsLeftWithoutFinish) {
  {
    NpzWriter writer(folder_ / "a.npz");
    writer.begin_array("x", ScalarType::kU8, std::vector<std::size_t>{4});
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace scorefield

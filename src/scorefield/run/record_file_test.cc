#include "scorefield/run/record_file.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/test_folder_test.h"

namespace scorefield {
namespace {

class RecordFileTest : public testing::Test {
 protected:
  static std::vector<std::uint32_t> read_all(const RecordFile& file) {
    std::vector<std::uint32_t> values;
    file.read([&](std::span<const std::byte> bytes) {
      const auto* first = reinterpret_cast<const std::uint32_t*>(bytes.data());
      values.insert(values.end(), first, first + bytes.size() / sizeof(std::uint32_t));
    });
    return values;
  }

  TestFolder folder_;
  std::filesystem::path path = folder_ / "records";
};

TEST_F(RecordFileTest, GoesOnWhereItStoppedAndDropsACutOffRecord) {
  const std::array<std::uint32_t, 4> values = {1, 2, 3, 4};
  RecordFile(path, 8).append(std::as_bytes(std::span(values)));
  std::ofstream(path, std::ios::app | std::ios::binary) << "cut";
  RecordFile file(path, 8);
  EXPECT_EQ(file.size(), 2U);
  file.append(std::as_bytes(std::span(values)).first(8));
  EXPECT_EQ(read_all(file), (std::vector<std::uint32_t>{1, 2, 3, 4, 1, 2}));
  file.truncate(1);
  EXPECT_EQ(read_all(file), (std::vector<std::uint32_t>{1, 2}));
}

TEST_F(RecordFileTest, ReadsMoreThanOneBlock) {
  std::vector<std::uint32_t> values(700001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint32_t>(i);
  RecordFile file(path, 4);
  file.append(std::as_bytes(std::span(values)));
  EXPECT_EQ(read_all(file), values);
}

TEST_F(RecordFileTest, NamesThePathThatCannotBeOpened) {
  try {
    RecordFile("/nowhere/x.bin", 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/x.bin"), std::string::npos);
  }
}

}  // namespace
}  // namespace scorefield

#include "scorefield/base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "scorefield/base/error.h"
#include "scorefield/base/test_folder_test.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  static void put(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
  }

  TestFolder root_;
};

TEST_F(FileTest, ReadsTheWholeFile) {
  const std::string text = std::string("a\0b\n", 4) + std::string(100000, 'x');
  put(root_ / "f", text);
  EXPECT_EQ(read_text(root_ / "f", {}), text);
  const auto bytes = read_file(root_ / "f", {});
  ASSERT_EQ(bytes.size(), text.size());
  EXPECT_EQ(bytes[1], std::byte{0});
  put(root_ / "empty", "");
  EXPECT_EQ(read_text(root_ / "empty", {}), "");
}

TEST_F(FileTest, WhatCannotBeReadIsNamed) {
  EXPECT_NE(error_of([&] { read_file(root_ / "none", {}); }).find((root_ / "none").string()), std::string::npos);
  EXPECT_NE(error_of([&] { read_file(root_, {}); }).find("not a regular file"), std::string::npos);
  EXPECT_NE(error_of([&] { MappedFile map(root_); }).find("not a regular file"), std::string::npos);
  put(root_ / "large", std::string(5000, 'x'));
  Context context;
  context.memory_limit = 4999;
  EXPECT_NE(error_of([&] { read_file(root_ / "large", context); }).find("memory limit"), std::string::npos);
}

// Opening a pipe for reading would wait for a writer that never comes.
TEST_F(FileTest, ANamedPipeIsRefusedAtOnce) {
  const fs::path pipe = root_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(error_of([&] { read_file(pipe, {}); }).find("not a regular file"), std::string::npos);
  EXPECT_NE(error_of([&] { MappedFile map(pipe); }).find("not a regular file"), std::string::npos);
}

TEST_F(FileTest, MapsOutliveTheObjectThroughTheirOwner) {
  put(root_ / "f", "abc");
  put(root_ / "empty", "");
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
  {
    const MappedFile file(root_ / "f");
    owner = file.owner();
    bytes = file.bytes();
  }
  fs::remove(root_ / "f");
  ASSERT_EQ(bytes.size(), 3u);
  EXPECT_EQ(bytes[2], std::byte{'c'});
  EXPECT_TRUE(MappedFile(root_ / "empty").bytes().empty());
}

TEST_F(FileTest, AnAtomicFileAppearsWholeOrNotAtAll) {
  put(root_ / "f", "old");
  {
    AtomicFile file(root_ / "f");
    file.write("new text");
    EXPECT_EQ(file.size(), 8u);
    EXPECT_EQ(read_text(root_ / "f", {}), "old");
    EXPECT_EQ(entries(), 2u);
  }
  EXPECT_EQ(read_text(root_ / "f", {}), "old");
  EXPECT_EQ(entries(), 1u);
  {
    AtomicFile file(root_ / "f");
    file.write("new text");
    file.overwrite(4, std::as_bytes(std::span("TE", 2)));
    file.write("!");
    file.commit();
  }
  EXPECT_EQ(read_text(root_ / "f", {}), "new TExt!");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, TwoWritersOfOneFileDoNotMix) {
  AtomicFile first(root_ / "f");
  AtomicFile second(root_ / "f");
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(read_text(root_ / "f", {}), "first");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, OverwritingWhatIsNotThereIsABug) {
  AtomicFile file(root_ / "f");
  file.write("ab");
  EXPECT_THROW(file.overwrite(1, std::as_bytes(std::span("xy", 2))), Bug);
  file.commit();
  EXPECT_THROW(file.commit(), Bug);
}

TEST_F(FileTest, AFolderThatCannotBeWrittenIsNamed) {
  EXPECT_NE(error_of([&] { write_file_atomically(root_ / "none" / "f", "x"); }).find("none/f: cannot write"),
            std::string::npos);
  fs::create_directory(root_ / "taken");
  EXPECT_NE(error_of([&] { write_file_atomically(root_ / "taken", "x"); }).find("taken: cannot write"),
            std::string::npos);
  EXPECT_EQ(entries(), 1u);
}

// A limit on file sizes stands in for a full disk: write fails in the same place.
TEST_F(FileTest, AFullDiskLeavesNothing) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string said = error_of([&] { write_file_atomically(root_ / "f", std::string(5000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(said.find("f: cannot write: File too large"), std::string::npos) << said;
  EXPECT_EQ(entries(), 0u);
}

}  // namespace
}  // namespace scorefield

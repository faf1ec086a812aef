#include "scorefield/run/record_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw Error(fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(errno)));
}

File open(const std::filesystem::path& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), &std::fclose);
  if (file == nullptr) fail(path, "open");
  return file;
}

}  // namespace

RecordFile::RecordFile(std::filesystem::path path, std::size_t record_bytes)
    : path_(std::move(path)), record_bytes_(record_bytes) {
  ensure(record_bytes > 0, "a record has bytes");
  open(path_, "ab");
  truncate(std::filesystem::file_size(path_) / record_bytes_);
}

void RecordFile::append(std::span<const std::byte> bytes) {
  ensure(bytes.size() % record_bytes_ == 0, "whole records are appended");
  const File file = open(path_, "ab");
  if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() || std::fflush(file.get()) != 0 ||
      ::fsync(::fileno(file.get())) != 0) {
    fail(path_, "write");
  }
  size_ += bytes.size() / record_bytes_;
}

void RecordFile::truncate(std::size_t count) {
  if (::truncate(path_.c_str(), static_cast<off_t>(count * record_bytes_)) != 0) fail(path_, "write");
  size_ = count;
}

void RecordFile::read(const std::function<void(std::span<const std::byte>)>& use) const {
  constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  const std::size_t block = std::max<std::size_t>(1, kBlockBytes / record_bytes_);
  std::vector<std::byte> buffer(block * record_bytes_);
  const File file = open(path_, "rb");
  for (std::size_t first = 0; first < size_; first += block) {
    const std::size_t bytes = std::min(block, size_ - first) * record_bytes_;
    if (std::fread(buffer.data(), 1, bytes, file.get()) != bytes) fail(path_, "read");
    use(std::span(buffer).first(bytes));
  }
}

}  // namespace scorefield

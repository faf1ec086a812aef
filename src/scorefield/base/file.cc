#include "scorefield/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

std::string reason() {
  return std::strerror(errno);
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC)) {
    if (value_ < 0) throw Error(fmt::format("{}: cannot open: {}", path.string(), reason()));
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

std::size_t regular_file_size(const Descriptor& file, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw Error(fmt::format("{}: cannot read: {}", path.string(), reason()));
  if (!S_ISREG(info.st_mode)) throw Error(fmt::format("{}: not a regular file", path.string()));
  return static_cast<std::size_t>(info.st_size);
}

template <class Container>
Container read_whole(const std::filesystem::path& path, const Context& context) {
  // O_NONBLOCK: a named pipe is refused below instead of waited for.
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  const std::size_t size = regular_file_size(file, path);
  context.check_memory(size, path.string());
  Container content;
  content.resize(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.get(), content.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(fmt::format("{}: cannot read: {}", path.string(), reason()));
    if (got == 0) throw Error(fmt::format("{}: ended at byte {} of {} while it was read", path.string(), done, size));
    done += static_cast<std::size_t>(got);
  }
  return content;
}

void write_whole(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw Error(fmt::format("{}: cannot write: {}", path.string(), reason()));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

}  // namespace

bool path_exists(const std::filesystem::path& path) {
  std::error_code failure;
  return std::filesystem::exists(path, failure);
}

std::vector<std::byte> read_file(const std::filesystem::path& path, const Context& context) {
  return read_whole<std::vector<std::byte>>(path, context);
}

std::string read_text(const std::filesystem::path& path, const Context& context) {
  return read_whole<std::string>(path, context);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  const std::size_t size = regular_file_size(file, path);
  if (size == 0) return;
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (start == MAP_FAILED) throw Error(fmt::format("{}: cannot map: {}", path.string(), reason()));
  owner_ = std::shared_ptr<const void>(start, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  bytes_ = {static_cast<const std::byte*>(start), size};
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  static std::atomic<unsigned> counter{0};
  temporary_ = path_;
  temporary_ += fmt::format(".part-{}-{}", ::getpid(), counter++);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw Error(fmt::format("{}: cannot write: {}", path_.string(), reason()));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_whole(descriptor_, bytes, path_);
  size_ += bytes.size();
}

void AtomicFile::overwrite(std::size_t offset, std::span<const std::byte> bytes) {
  ensure(offset + bytes.size() <= size_, "overwritten bytes were written before");
  const bool moved = ::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) >= 0;
  if (moved) write_whole(descriptor_, bytes, path_);
  if (!moved || ::lseek(descriptor_, 0, SEEK_END) < 0) {
    throw Error(fmt::format("{}: cannot write: {}", path_.string(), reason()));
  }
}

void AtomicFile::commit() {
  ensure(descriptor_ >= 0, "commit() comes once");
  // Renaming before the bytes are on disk could leave an empty file after a crash.
  const bool synced = ::fsync(descriptor_) == 0;
  const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
  if (!synced || !closed || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const std::string why = reason();
    ::unlink(temporary_.c_str());
    throw Error(fmt::format("{}: cannot write: {}", path_.string(), why));
  }
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace scorefield

#include "scorefield/run/json_lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"

namespace scorefield {
namespace {

[[noreturn]] void throw_cannot_write(const std::filesystem::path& path) {
  throw Error(fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
}

/// Where the last whole line of the file ends.
off_t end_of_lines(int descriptor, const std::filesystem::path& path) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  if (size < 0) throw_cannot_write(path);
  for (off_t end = size; end > 0; --end) {
    char last = 0;
    if (::pread(descriptor, &last, 1, end - 1) != 1) throw_cannot_write(path);
    if (last == '\n') return end;
  }
  return 0;
}

}  // namespace

JsonLinesWriter::JsonLinesWriter(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_cannot_write(path_);
  if (::ftruncate(descriptor_, end_of_lines(descriptor_, path_)) != 0) throw_cannot_write(path_);
}

JsonLinesWriter::~JsonLinesWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

JsonLinesWriter::JsonLinesWriter(JsonLinesWriter&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

JsonLinesWriter& JsonLinesWriter::operator=(JsonLinesWriter&& other) noexcept {
  path_.swap(other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void JsonLinesWriter::write(const nlohmann::json& value) {
  const std::string line = value.dump() + '\n';
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t put = ::write(descriptor_, line.data() + done, line.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_cannot_write(path_);
    done += static_cast<std::size_t>(put);
  }
}

void JsonLinesWriter::sync() {
  // Not everything that can be written to can be synced (EINVAL): a pipe, say.
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) throw_cannot_write(path_);
}

std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& path, const Context& context) {
  std::vector<nlohmann::json> values;
  if (!path_exists(path)) return values;
  const std::string text = read_text(path, context);
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    values.push_back(nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(start),
                                           text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false));
    if (values.back().is_discarded()) {
      throw Error(fmt::format("{}: line {} is not JSON; remove that line, or the file", path.string(), values.size()));
    }
    start = end + 1;
  }
  return values;
}

}  // namespace scorefield

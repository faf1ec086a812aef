#include "scorefield/run/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/version.h"

namespace scorefield {
namespace {

constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kOptions = "/options/";  // in a config
constexpr std::string_view kDone = "done.jsonl";
constexpr std::string_view kLock = ".lock";

void make_folders(const std::filesystem::path& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (failure) throw Error(fmt::format("{}: cannot make the folder: {}", path.string(), failure.message()));
}

std::vector<std::filesystem::path> list(const std::filesystem::path& folder) {
  std::error_code failure;
  std::vector<std::filesystem::path> found;
  for (auto entry = std::filesystem::directory_iterator(folder, failure); !failure && entry != end(entry);
       entry.increment(failure)) {
    found.push_back(entry->path());
  }
  if (failure) throw Error(fmt::format("{}: cannot read the folder: {}", folder.string(), failure.message()));
  return found;
}

/// The number that a run folder's name starts with ("00012-sample"), or -1.
int run_number(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  int number = -1;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool is_run = failure == std::errc() && end - name.data() >= 5 && *end == '-';
  return is_run ? number : -1;
}

std::string file_name_part(std::string_view name) {
  std::string part(name.substr(0, 80));
  for (char& c : part) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (!plain) c = '-';
  }
  return part;
}

int lock_folder(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kLock;
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) throw Error(fmt::format("{}: cannot write: {}", file.string(), std::strerror(errno)));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  const int why = errno;
  ::close(descriptor);
  if (why == EWOULDBLOCK) {
    throw Error(
        fmt::format("{}: another process is writing this run; wait for it, or take another folder", folder.string()));
  }
  throw Error(fmt::format("{}: cannot lock: {}", file.string(), std::strerror(why)));
}

/// Named as AtomicFile names its files until they are finished (x.part-123-0); a killed process leaves them behind.
bool is_unfinished(const std::filesystem::path& path) {
  constexpr std::string_view kMark = ".part-";
  const std::string name = path.filename().string();
  const std::size_t mark = name.rfind(kMark);
  return mark != std::string::npos && name.find_first_not_of("0123456789-", mark + kMark.size()) == std::string::npos;
}

}  // namespace

RunFolder RunFolder::make_numbered(const std::filesystem::path& parent, std::string_view name) {
  make_folders(parent);
  int number = 0;
  for (const auto& path : list(parent)) number = std::max(number, run_number(path) + 1);
  for (;; ++number) {
    const std::filesystem::path path = parent / fmt::format("{:05}-{}", number, file_name_part(name));
    std::error_code failure;
    // False when another process took the number in this moment.
    if (std::filesystem::create_directory(path, failure)) return RunFolder(path, lock_folder(path));
    if (failure) throw Error(fmt::format("{}: cannot make the folder: {}", path.string(), failure.message()));
  }
}

RunFolder RunFolder::take(const std::filesystem::path& path) {
  std::error_code unknown;  // what cannot be looked at cannot be made either, and make_folders() says why
  if (path_exists(path) && !std::filesystem::is_directory(path, unknown)) {
    throw Error(fmt::format("{}: is a file; name a folder for the output", path.string()));
  }
  make_folders(path);
  const bool is_run = path_exists(path / kConfig);
  if (!is_run) {
    // Looked at before the lock file is made, so that a refused folder stays as it was.
    for (const auto& entry : list(path)) {
      if (entry.filename() != kLock && !is_unfinished(entry)) {
        throw Error(fmt::format("{}: holds {} but no {}, so it is no run that could be resumed; name a new folder",
                                path.string(), entry.filename().string(), kConfig));
      }
    }
  }
  RunFolder folder(path, lock_folder(path));
  folder.take_over();
  return folder;
}

void RunFolder::take_over() {
  std::vector<std::filesystem::path> left_behind;
  std::error_code failure;
  for (auto entry = std::filesystem::recursive_directory_iterator(path_, failure); !failure && entry != end(entry);
       entry.increment(failure)) {
    if (is_unfinished(entry->path())) left_behind.push_back(entry->path());
  }
  for (const auto& file : left_behind) std::filesystem::remove(file, failure);
  resumed_ = path_exists(path_ / kConfig);
  for (const nlohmann::json& unit : read_json_lines(path_ / kDone, Context{})) {
    if (!unit.is_string()) throw Error(fmt::format("{}: a line is not a name", (path_ / kDone).string()));
    done_.insert(unit.get<std::string>());
  }
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      resumed_(other.resumed_),
      done_(std::move(other.done_)),
      done_file_(std::move(other.done_file_)) {}

RunFolder& RunFolder::operator=(RunFolder&& other) noexcept {
  path_.swap(other.path_);
  std::swap(lock_, other.lock_);
  std::swap(resumed_, other.resumed_);
  done_.swap(other.done_);
  done_file_.swap(other.done_file_);
  return *this;
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void RunFolder::begin(const nlohmann::json& config) {
  ensure(config.is_object(), "a config is a JSON object");
  nlohmann::json full = config;
  full["version"] = version();
  const std::filesystem::path file = path_ / kConfig;
  if (!resumed_) {
    write_json(file, full);
    return;
  }
  const nlohmann::json before = read_json(file, Context{});
  if (!before.is_object()) throw Error(fmt::format("{}: is not the config of a run", file.string()));
  // As it comes back from a file, where for some values others stand (json_text()).
  const nlohmann::json now = nlohmann::json::parse(json_text(full));
  const nlohmann::json steps = nlohmann::json::diff(before, now);
  if (steps.empty()) return;
  // Flags say more than what follows from them.
  std::string flags;
  std::string others;
  for (const nlohmann::json& step : steps) {
    const std::string path = step["path"].get<std::string>();
    const nlohmann::json::json_pointer where(path);
    const bool is_flag = path.starts_with(kOptions);
    std::string& text = is_flag ? flags : others;
    text += fmt::format("{}{} was {} and is now {}", text.empty() ? "" : ", ",
                        is_flag ? "--" + path.substr(kOptions.size()) : path,
                        before.contains(where) ? before[where].dump() : "absent",
                        step.contains("value") ? step["value"].dump() : "absent");
  }
  throw Error(fmt::format("{}: holds a run that cannot be resumed, as {}; go back to that, or name a new folder",
                          path_.string(), flags.empty() ? others : flags));
}

void RunFolder::mark_done(std::string_view unit) {
  if (!done_file_) done_file_.emplace(path_ / kDone);
  if (done_.emplace(unit).second) done_file_->write(unit);
}

nlohmann::json parse_json(std::string_view text) {
  constexpr int kDeepest = 64;
  return nlohmann::json::parse(text.begin(), text.end(), [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kDeepest) throw Error("JSON that is nested more than 64 deep");
    return true;
  });
}

nlohmann::json read_json(const std::filesystem::path& path, const Context& context) {
  const std::string text = read_text(path, context);
  try {
    return parse_json(text);
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(fmt::format("{}: not JSON at byte {}", path.string(), error.byte));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path.string(), error.what()));
  }
}

std::string json_text(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_json(const std::filesystem::path& path, const nlohmann::json& value) {
  write_file_atomically(path, json_text(value, 2) + '\n');
}

}  // namespace scorefield

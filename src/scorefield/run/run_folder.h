// The folder that a run writes: config.json, stats.jsonl, arrays and pictures; resumable, written by one process.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "scorefield/base/context.h"
#include "scorefield/run/json_lines.h"

namespace scorefield {

/// A run folder held by this process. The lock (flock on `.lock`) goes with the process, however it ends.
class RunFolder {
 public:
  /// Makes parent/00000-name with the next free number (and parent, where it is missing). Characters of `name` that do
  /// not belong in a file name become '-'.
  static RunFolder make_numbered(const std::filesystem::path& parent, std::string_view name);

  /// Takes the folder `path`: a missing one is made, an empty one is used, one with a config.json is resumed. Throws
  /// Error for a folder that holds anything else, and for one that another process is writing.
  static RunFolder take(const std::filesystem::path& path);

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&& other) noexcept;
  ~RunFolder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view file) const { return path_ / file; }
  bool resumed() const { return resumed_; }

  /// Starts or resumes the run of `config` (an object: the resolved settings and the digests of data and model).
  /// A new folder gets config.json with the library's version added. A resumed one must hold the same config; otherwise
  /// Error names the first difference.
  void begin(const nlohmann::json& config);

  /// The units of work that are finished, under names of the caller's choice (a seed, "report").
  bool is_done(std::string_view unit) const { return done_.find(unit) != done_.end(); }
  /// Call when the unit's output is in place: it is not done again on resume.
  void mark_done(std::string_view unit);

 private:
  RunFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  void take_over();

  std::filesystem::path path_;
  int lock_ = -1;
  bool resumed_ = false;
  std::set<std::string, std::less<>> done_;
  std::optional<JsonLinesWriter> done_file_;
};

/// JSON that somebody else may have written. Throws nlohmann::json::parse_error where it is not JSON, and Error where
/// it is nested more than 64 deep: copying or printing such a value would take the stack of a thread and more.
nlohmann::json parse_json(std::string_view text);
/// A JSON file, e.g. the config.json of a run. Throws Error with the path and the byte where it is not JSON.
nlohmann::json read_json(const std::filesystem::path& path, const Context& context);
/// One line, or indented. Numbers that are not finite become null, and bytes that are not UTF-8 (in names of files and
/// folders) U+FFFD: JSON has neither.
std::string json_text(const nlohmann::json& value, int indent = -1);
/// json_text(), indented, atomically.
void write_json(const std::filesystem::path& path, const nlohmann::json& value);

}  // namespace scorefield

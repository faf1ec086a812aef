// stats.jsonl and its like: one JSON value a line, appended as things happen.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "scorefield/base/context.h"

namespace scorefield {

/// Appends lines to a file. A line that a killed process left half-written is cut off when the file is opened.
class JsonLinesWriter {
 public:
  /// Throws Error (with the path) when the file cannot be written.
  explicit JsonLinesWriter(std::filesystem::path path);
  ~JsonLinesWriter();
  JsonLinesWriter(JsonLinesWriter&& other) noexcept;
  JsonLinesWriter& operator=(JsonLinesWriter&& other) noexcept;

  /// One line, handed to the system at once. Numbers that are not finite become null.
  void write(const nlohmann::json& value);
  /// Returns when what was written would survive a power cut.
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// The values of a file's lines; a missing file has none. A half-written last line is left out; any other line that
/// is not JSON throws Error with its number.
std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& path, const Context& context);

}  // namespace scorefield

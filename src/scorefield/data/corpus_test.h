// Checks that a reader's seed corpus (fuzz/corpus/<reader>) reaches every message that the reader's source has.
// Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/data/blob.h"
#include "tests/paths.h"

namespace scorefield::testing_support {

inline std::string source_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The format texts inside every `Error(...)` and `fail(...)` of a source file; literals that follow each other are
/// one.
inline std::vector<std::string> messages_in(const std::string& source) {
  static const std::regex call(R"re((?:Error|fail)\([^";{}]*?((?:"(?:[^"\\]|\\.)*"\s*)+))re");
  static const std::regex seam(R"re("\s*")re");
  std::vector<std::string> messages;
  for (std::sregex_iterator at(source.begin(), source.end(), call); at != std::sregex_iterator(); ++at) {
    const std::string joined = std::regex_replace((*at)[1].str(), seam, "");
    const std::size_t first = joined.find('"') + 1;
    messages.push_back(joined.substr(first, joined.rfind('"') - first));
  }
  return messages;
}

/// True when the pieces of `message` between its {} stand in `text`, in order.
inline bool is_made_from(std::string_view text, const std::string& message) {
  static const std::regex hole(R"(\{[^}]*\})");
  std::size_t at = 0;
  for (std::sregex_token_iterator piece(message.begin(), message.end(), hole, -1);
       piece != std::sregex_token_iterator(); ++piece) {
    const std::size_t found = text.find(piece->str(), at);
    if (found == std::string_view::npos) return false;
    at = found + piece->length();
  }
  return true;
}

/// Runs `read` (a file's bytes to the texts of its Errors) over the corpus. Every message of `sources` must occur, save
/// those that begin with one of `elsewhere`: they do not come from bytes and have tests of their own.
template <class Read>
void expect_corpus_reaches_messages(const std::string& reader, const std::vector<std::string>& sources, Read&& read,
                                    const std::vector<std::string>& elsewhere = {}) {
  const std::filesystem::path root = SCOREFIELD_SOURCE_DIR;
  std::vector<std::string> errors;
  for (const auto& file : std::filesystem::directory_iterator(root / "fuzz" / "corpus" / reader)) {
    Blob blob = map_blob(file.path());
    blob.name = "file";
    const std::vector<std::string> found = read(blob);
    errors.insert(errors.end(), found.begin(), found.end());
  }
  EXPECT_FALSE(errors.empty());
  for (const std::string& source : sources) {
    const std::vector<std::string> messages = messages_in(source_text(root / "src" / "scorefield" / "data" / source));
    EXPECT_FALSE(messages.empty()) << source;
    for (const std::string& message : messages) {
      if (std::any_of(elsewhere.begin(), elsewhere.end(), [&](const auto& e) { return message.starts_with(e); }))
        continue;
      EXPECT_TRUE(std::any_of(errors.begin(), errors.end(), [&](const auto& e) { return is_made_from(e, message); }))
          << source << ": no file of fuzz/corpus/" << reader << " reaches: " << message;
    }
  }
}

}  // namespace scorefield::testing_support

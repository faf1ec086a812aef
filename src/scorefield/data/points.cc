#include "scorefield/data/points.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/data/array.h"

namespace scorefield {
namespace {

constexpr std::string_view kSpaces = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) + 1 - first);
}

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

char choose_separator(std::string_view line) {
  for (const char c : {';', ',', '\t'}) {
    if (line.find(c) != std::string_view::npos) return c;
  }
  return ' ';
}

/// The fields of a line: between separators, or runs without spaces when the separator is one.
void split(std::string_view line, char separator, std::vector<std::string_view>& fields) {
  fields.clear();
  while (!line.empty()) {
    const std::size_t end = separator == ' ' ? line.find_first_of(kSpaces) : line.find(separator);
    fields.push_back(trimmed(line.substr(0, end)));
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + 1);
    if (separator == ' ') {
      line = trimmed(line);
    } else if (line.empty()) {
      fields.emplace_back();
    }
  }
}

std::optional<double> read_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole_text = end == text.data() + text.size() && !text.empty();
  // Beyond the range of double, from_chars reads on but gives no value.
  if (is_whole_text && error == std::errc::result_out_of_range) return HUGE_VAL;
  if (!is_whole_text || error != std::errc()) return std::nullopt;
  return value;
}

/// What is shown of a field that is wrong: its beginning.
std::string shown(std::string_view field) {
  constexpr std::size_t kMost = 40;
  return field.size() <= kMost ? std::string(field) : std::string(field.substr(0, kMost)) + "...";
}

class PointReader {
 public:
  PointReader(const Blob& file, const Context& context) : file_(file), context_(context) {}

  Dataset read() {
    std::string_view text(reinterpret_cast<const char*>(file_.bytes.data()), file_.bytes.size());
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      ++line_;
      if (line_ % 4096 == 0) context_.check_cancelled();
      const std::string_view content = trimmed(line.substr(0, line.find('#')));
      if (!content.empty()) read_line(content, text);
    }
    if (values_.empty()) throw Error(fmt::format("{}: holds no point", file_.name));
    const std::size_t dimension = columns_ - (label_column_ ? 1 : 0);
    return make_dataset(file_.name, std::move(values_), {dimension}, {}, std::move(labels_));
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw Error(fmt::format("{}: line {}: {}", file_.name, line_, why));
  }

  void read_line(std::string_view line, std::string_view rest) {
    if (columns_ == 0) separator_ = choose_separator(line);
    split(line, separator_, fields_);
    if (columns_ == 0) {
      columns_ = fields_.size();
      first_line_ = line_;
      if (std::none_of(fields_.begin(), fields_.end(), [](auto f) { return read_number(f).has_value(); })) {
        read_header();
        return;
      }
    }
    if (fields_.size() != columns_) {
      fail(fmt::format("{} columns, but line {} has {}", fields_.size(), first_line_, columns_));
    }
    if (values_.empty()) reserve(rest);
    for (std::size_t k = 0; k < columns_; ++k) {
      const std::optional<double> value = read_number(fields_[k]);
      if (!value) fail(fmt::format("column {}: '{}' is not a number", k + 1, shown(fields_[k])));
      if (!std::isfinite(*value)) fail(fmt::format("column {}: '{}' is not finite", k + 1, shown(fields_[k])));
      if (k == label_column_) {
        if (!(*value >= 0 && *value <= static_cast<double>(kLargestLabel)) || *value != std::floor(*value)) {
          fail(fmt::format("the label '{}' is not a whole number from 0 to {}", shown(fields_[k]), kLargestLabel));
        }
        labels_.push_back(static_cast<std::int32_t>(*value));
      } else {
        values_.push_back(*value);
      }
    }
  }

  void read_header() {
    for (std::size_t k = 0; k < columns_; ++k) {
      const std::string_view name = unquoted(fields_[k]);
      if (name.empty()) fail(fmt::format("column {} has no name; is it an index? write the file without it", k + 1));
      if (name != "label") continue;
      if (label_column_) fail("two columns are named label");
      label_column_ = k;
    }
    if (label_column_ && columns_ == 1) fail("there is no column besides label");
  }

  /// A value takes two characters at least, and a point a line.
  void reserve(std::string_view rest) {
    const auto lines = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n')) + 2;
    const std::size_t most = std::min(lines * columns_, columns_ + rest.size() / 2 + 1);
    context_.check_memory(most * sizeof(double), file_.name);
    values_.reserve(most);
  }

  const Blob& file_;
  const Context& context_;
  std::size_t line_ = 0;
  std::size_t first_line_ = 0;
  std::size_t columns_ = 0;  // 0 until a line was read
  char separator_ = ' ';
  std::optional<std::size_t> label_column_;
  std::vector<std::string_view> fields_;
  std::vector<double> values_;
  std::vector<std::int32_t> labels_;
};

}  // namespace

bool looks_like_text(std::span<const std::byte> bytes) {
  const std::span<const std::byte> first = bytes.first(std::min<std::size_t>(bytes.size(), 4096));
  return std::all_of(first.begin(), first.end(), [](std::byte b) {
    const int c = std::to_integer<int>(b);
    return c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c != 0x7F);
  });
}

Dataset read_points(const Blob& file, const Context& context) {
  return PointReader(file, context).read();
}

}  // namespace scorefield

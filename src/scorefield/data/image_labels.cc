#include "scorefield/data/image_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "scorefield/base/error.h"
#include "scorefield/data/array.h"

namespace scorefield {
namespace {

using nlohmann::json;

std::string first_folder(const std::string& file) {
  const std::size_t slash = file.find('/');
  return slash == std::string::npos ? "" : file.substr(0, slash);
}

/// Takes the labels out of the text as it is parsed, so that no text, however nested, becomes more than its labels.
class LabelReader : public nlohmann::json_sax<json> {
 public:
  explicit LabelReader(const Blob& source) : source_(source) {}

  bool null() override { return in_labels() && depth_ != 1 ? malformed() : inside(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }  // negative
  bool number_unsigned(number_unsigned_t value) override {
    if (!in_labels()) return inside();
    if (depth_ != 3 || parts_ != 1 || value > kLargestLabel) return malformed();
    ++parts_;
    if (!labels_.emplace(file_, static_cast<std::int32_t>(value)).second) {
      throw Error(fmt::format("{}: '{}' has two labels", source_.name, file_));
    }
    return true;
  }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool string(string_t& text) override {
    if (!in_labels()) return inside();
    if (depth_ != 3 || parts_ != 0) return malformed();
    ++parts_;
    file_ = text;
    return true;
  }
  bool binary(binary_t&) override { return other(); }
  bool start_object(std::size_t) override {
    if (in_labels()) return malformed();
    ++depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    if (name == "labels" && seen_) throw Error(fmt::format("{}: the key 'labels' comes twice", source_.name));
    in_value_ = name == "labels";
    seen_ = seen_ || in_value_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0 || (in_labels() && depth_ == 3)) return malformed();
    ++depth_;
    parts_ = 0;
    found_ = found_ || in_labels();
    return true;
  }
  bool end_array() override {
    if (in_labels() && depth_ == 3 && parts_ != 2) return malformed();
    --depth_;
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception&) override {
    throw Error(fmt::format("{}: byte {}: not JSON", source_.name, byte));
  }

  /// Whether there was a list of labels.
  bool found() const { return found_; }
  const std::map<std::string, std::int32_t>& labels() const { return labels_; }

 private:
  bool in_labels() const { return in_value_ && depth_ >= 1; }
  bool inside() const { return depth_ > 0 || malformed(); }
  bool other() const { return in_labels() ? malformed() : inside(); }
  [[noreturn]] bool malformed() const {
    throw Error(
        fmt::format("{}: {}; expected {{\"labels\": [[\"00000/img00000000.png\", 6], ...]}} with whole numbers "
                    "from 0 to {}, or null",
                    source_.name, file_.empty() ? "no list of labels" : fmt::format("not a label, near '{}'", file_),
                    kLargestLabel));
  }

  const Blob& source_;
  std::size_t depth_ = 0;  // of brackets; the root object is 1, the list of labels 2, a pair 3
  std::size_t parts_ = 0;  // of the pair
  bool in_value_ = false;  // the value of "labels"
  bool seen_ = false;
  bool found_ = false;
  std::string file_;
  std::map<std::string, std::int32_t> labels_;
};

}  // namespace

ImageLabels labels_from_folders(const std::vector<std::string>& files, const std::string& set) {
  std::set<std::string> folders;
  for (const std::string& file : files) folders.insert(first_folder(file));
  if (folders.size() <= 1) return {};
  if (folders.contains("")) {
    const auto beside =
        std::find_if(files.begin(), files.end(), [](const std::string& file) { return first_folder(file).empty(); });
    throw Error(
        fmt::format("{}: '{}' lies beside the folder '{}', so its label is not known; put every image into the folder "
                    "of its class, or add a {} with {{\"labels\": null}}",
                    set, *beside, *std::next(folders.begin()), kLabelFile));
  }
  ImageLabels result;
  result.names.assign(folders.begin(), folders.end());
  for (const std::string& file : files) {
    const auto at = std::lower_bound(result.names.begin(), result.names.end(), first_folder(file));
    result.labels.push_back(static_cast<std::int32_t>(at - result.names.begin()));
  }
  return result;
}

ImageLabels labels_from_json(const Blob& source, const std::vector<std::string>& files, const Context& context) {
  constexpr std::size_t kBytesPerByte = 8;  // what the label of a short path takes in the map, by the text it came from
  context.check_memory(kBytesPerByte * source.bytes.size(), source.name);
  LabelReader reader(source);
  const auto* text = reinterpret_cast<const char*>(source.bytes.data());
  json::sax_parse(text, text + source.bytes.size(), &reader);
  if (!reader.found()) return {};
  ImageLabels result;
  for (const std::string& name : files) {
    const auto at = reader.labels().find(name);
    if (at == reader.labels().end()) throw Error(fmt::format("{}: no label for '{}'", source.name, name));
    result.labels.push_back(at->second);
  }
  result.unused = reader.labels().size() - files.size();
  return result;
}

}  // namespace scorefield

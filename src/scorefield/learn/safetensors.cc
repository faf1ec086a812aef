#include "scorefield/learn/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"

namespace scorefield {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kLargestHeader = 100'000'000;  // the reference implementation's own limit
constexpr std::size_t kMostAxes = 32;
constexpr std::string_view kMetadataKey = "__metadata__";

struct TypeCode {
  std::string_view code;
  ScalarType type;
};
/// In the order in which the reference implementation writes them.
constexpr TypeCode kTypeCodes[] = {{"U64", ScalarType::kU64}, {"I64", ScalarType::kI64}, {"F64", ScalarType::kF64},
                                   {"F32", ScalarType::kF32}, {"U32", ScalarType::kU32}, {"I32", ScalarType::kI32},
                                   {"F16", ScalarType::kF16}, {"U16", ScalarType::kU16}, {"I16", ScalarType::kI16},
                                   {"I8", ScalarType::kI8},   {"U8", ScalarType::kU8}};

std::size_t place_of(ScalarType type) {
  const auto* const found = std::ranges::find(kTypeCodes, type, &TypeCode::type);
  return static_cast<std::size_t>(found - kTypeCodes);
}

/// What the header says of one tensor.
struct Entry {
  std::string name;
  std::optional<ScalarType> type;
  std::optional<std::vector<std::size_t>> shape;
  std::optional<std::vector<std::size_t>> offsets;
};

/// Follows the header's JSON event by event, and refuses whatever the format does not have: nothing is kept of it, so
/// that a hostile header costs no more memory than a sound one.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const std::string& file, TensorMetadata& metadata) : file_(file), metadata_(metadata) {}

  std::vector<Entry> entries;

  bool start_object(std::size_t /*size*/) override {
    if (place_ == Place::kOutside) {
      place_ = Place::kTop;
    } else if (place_ == Place::kTop) {
      if (key_ == kMetadataKey) {
        if (std::exchange(has_metadata_, true)) fail("has __metadata__ twice");
        place_ = Place::kMetadata;
      } else {
        entries.push_back({key_, {}, {}, {}});
        place_ = Place::kTensor;
      }
    } else {
      fail("an object stands where the format has none");
    }
    return true;
  }
  bool end_object() override {
    if (place_ == Place::kTensor) {
      const Entry& entry = entries.back();
      if (!entry.type || !entry.shape || !entry.offsets) {
        fail("one of dtype, shape, data_offsets is missing");
      }
    }
    place_ = place_ == Place::kTop ? Place::kOutside : Place::kTop;
    return true;
  }
  bool key(std::string& text) override {
    if (place_ == Place::kTensor) {
      field_ = text;
    } else {
      key_ = text;
    }
    return true;
  }
  bool string(std::string& text) override {
    if (place_ == Place::kMetadata) {
      if (!metadata_.emplace(key_, text).second) fail("this key of __metadata__ comes twice");
      return true;
    }
    if (place_ != Place::kTensor || field_ != "dtype" || entries.back().type) refuse_value();
    const auto* const found = std::ranges::find(kTypeCodes, text, &TypeCode::code);
    if (found == std::end(kTypeCodes)) {
      fail(fmt::format("has the type '{}'; known are F64, F32, F16 and whole numbers (U8, I8, ..., U64, I64)",
                       text.substr(0, 40)));
    }
    entries.back().type = found->type;
    return true;
  }
  bool start_array(std::size_t /*size*/) override {
    if (place_ != Place::kTensor) refuse_value();
    Entry& entry = entries.back();
    const bool is_new = (field_ == "shape" && !entry.shape) || (field_ == "data_offsets" && !entry.offsets);
    if (!is_new) refuse_value();
    place_ = Place::kArray;
    numbers_.clear();
    return true;
  }
  bool end_array() override {
    Entry& entry = entries.back();
    if (field_ == "shape") {
      entry.shape = numbers_;
    } else {
      if (numbers_.size() != 2 || numbers_[0] > numbers_[1]) fail("data_offsets must be a begin and an end");
      entry.offsets = numbers_;
    }
    place_ = Place::kTensor;
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (place_ != Place::kArray) refuse_value();
    if (numbers_.size() == kMostAxes) fail(fmt::format("has more than {} numbers in its {}", kMostAxes, field_));
    numbers_.push_back(value);
    return true;
  }
  bool number_integer(std::int64_t /*value*/) override { refuse_value(); }
  bool number_float(double /*value*/, const std::string& /*text*/) override { refuse_value(); }
  bool boolean(bool /*value*/) override { refuse_value(); }
  bool null() override { refuse_value(); }
  bool binary(nlohmann::json::binary_t& /*value*/) override { refuse_value(); }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) override {
    throw Error(fmt::format("{}: its header is not JSON at byte {}", file_, kLengthBytes + position));
  }

 private:
  enum class Place { kOutside, kTop, kMetadata, kTensor, kArray };

  [[noreturn]] void fail(std::string_view why) const {
    throw Error(fmt::format("{}: tensor '{}': {}", file_, key_.substr(0, 200), why));
  }
  [[noreturn]] void refuse_value() const {
    if (place_ == Place::kTensor || place_ == Place::kArray) {
      fail(fmt::format("'{}' is unknown, comes twice or has the wrong kind of value", field_.substr(0, 40)));
    }
    throw Error(fmt::format("{}: its header is no table of tensors", file_));
  }

  const std::string& file_;
  TensorMetadata& metadata_;
  Place place_ = Place::kOutside;
  bool has_metadata_ = false;
  std::string key_;    // of the tensor, or of the metadata
  std::string field_;  // of the tensor
  std::vector<std::size_t> numbers_;
};

}  // namespace

SafetensorsFile::SafetensorsFile(Blob file, const Context& context) : file_(std::move(file)) {
  const std::span<const std::byte> bytes = file_.bytes;
  if (bytes.size() < kLengthBytes) throw Error(fmt::format("{}: is too short for a safetensors file", file_.name));
  const auto length = load_little_endian<std::uint64_t>(bytes);
  if (length > bytes.size() - kLengthBytes) {
    throw Error(
        fmt::format("{}: says that its header has {} bytes, but {} follow; it is cut off, or no safetensors file",
                    file_.name, length, bytes.size() - kLengthBytes));
  }
  if (length > kLargestHeader) {
    throw Error(fmt::format("{}: a header of {} bytes; the format allows {}", file_.name, length, kLargestHeader));
  }
  // What is kept of a tensor is at most eight times as long as its entry.
  context.check_memory(length, 8, file_.name);
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  // The parser would take NUL for the end and skip a byte-order mark.
  if (!header.starts_with('{') || header.find('\0') != std::string_view::npos) {
    throw Error(fmt::format("{}: its header does not begin with a brace or has a NUL in it; it is no safetensors file",
                            file_.name));
  }
  HeaderReader reader(file_.name, metadata_);
  nlohmann::json::sax_parse(header.begin(), header.end(), &reader);

  const std::size_t first = kLengthBytes + length;
  std::vector<std::pair<Place, const std::string*>> places;
  for (const Entry& entry : reader.entries) {
    Place place;
    place.layout.type = *entry.type;
    place.layout.shape = *entry.shape;
    const std::size_t size = byte_size(place.layout, fmt::format("{}: tensor '{}'", file_.name, entry.name));
    const std::size_t begin = (*entry.offsets)[0];
    const std::size_t end = (*entry.offsets)[1];
    if (end > bytes.size() - first) {
      throw Error(fmt::format("{}: tensor '{}' ends at byte {} of {} that there are; the file is cut off", file_.name,
                              entry.name, end, bytes.size() - first));
    }
    if (end - begin != size) {
      throw Error(fmt::format("{}: tensor '{}' has {} bytes, but its shape takes {}", file_.name, entry.name,
                              end - begin, size));
    }
    place.begin = first + begin;
    place.end = first + end;
    const auto [at, is_new] = tensors_.emplace(entry.name, place);
    if (!is_new) throw Error(fmt::format("{}: tensor '{}' comes twice", file_.name, entry.name));
    places.emplace_back(place, &at->first);
  }
  std::ranges::sort(places, [](const auto& a, const auto& b) {
    return std::pair(a.first.begin, a.first.end) < std::pair(b.first.begin, b.first.end);
  });
  std::size_t reached = first;
  for (const auto& [place, name] : places) {
    if (place.begin != reached) {
      throw Error(fmt::format("{}: tensor '{}' {}", file_.name, *name,
                              place.begin < reached ? "overlaps another" : "comes after bytes of no tensor"));
    }
    reached = place.end;
  }
  if (reached != bytes.size()) {
    throw Error(fmt::format("{}: {} bytes follow the last tensor", file_.name, bytes.size() - reached));
  }
}

std::vector<std::string> SafetensorsFile::keys() const {
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const auto& [key, place] : tensors_) found.emplace_back(place.begin, key);
  std::ranges::sort(found);
  std::vector<std::string> keys;
  for (auto& [begin, key] : found) keys.push_back(std::move(key));
  return keys;
}

Array SafetensorsFile::read(const std::string& key, const Context& context) const {
  const auto found = tensors_.find(key);
  if (found == tensors_.end()) {
    throw Error(fmt::format("{}: {}", file_.name, unknown_name("tensor", key, keys())));
  }
  const Place& place = found->second;
  const Blob part{fmt::format("{}: {}", file_.name, key), file_.bytes.subspan(place.begin, place.end - place.begin),
                  file_.owner};
  return make_array(part, 0, place.layout, context);
}

SafetensorsFile open_safetensors(const std::filesystem::path& path, const Context& context) {
  return {map_blob(path), context};
}

std::string safetensors_header(std::vector<TensorBytes>& tensors, const TensorMetadata& metadata) {
  std::ranges::sort(tensors, [](const TensorBytes& a, const TensorBytes& b) {
    return std::pair(place_of(a.type), std::string_view(a.name)) <
           std::pair(place_of(b.type), std::string_view(b.name));
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::size_t offset = 0;
  for (const TensorBytes& tensor : tensors) {
    ensure(byte_size({tensor.type, tensor.shape}, tensor.name) == tensor.bytes.size(), "the values fill the shape");
    ensure(!header.contains(tensor.name) && tensor.name != kMetadataKey, "tensors have names of their own");
    header[tensor.name] = {{"dtype", kTypeCodes[place_of(tensor.type)].code},
                           {"shape", tensor.shape},
                           {"data_offsets", std::array<std::size_t, 2>{offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  std::string bytes;
  for (std::size_t k = 0; k < kLengthBytes; ++k) bytes += static_cast<char>(text.size() >> (8 * k) & 0xFF);
  return bytes + text;
}

void write_safetensors(const std::filesystem::path& path, std::vector<TensorBytes> tensors,
                       const TensorMetadata& metadata) {
  AtomicFile file(path);
  file.write(safetensors_header(tensors, metadata));
  for (const TensorBytes& tensor : tensors) file.write(tensor.bytes);
  file.commit();
}

}  // namespace scorefield

#include "scorefield/data/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "scorefield/base/file.h"
#include "scorefield/data/inflate.h"

namespace scorefield {
namespace {

std::optional<ScalarType> idx_type(std::byte code) {
  switch (std::to_integer<int>(code)) {
    case 0x08:
      return ScalarType::kU8;
    case 0x09:
      return ScalarType::kI8;
    case 0x0B:
      return ScalarType::kI16;
    case 0x0C:
      return ScalarType::kI32;
    case 0x0D:
      return ScalarType::kF32;
    case 0x0E:
      return ScalarType::kF64;
    default:
      return std::nullopt;
  }
}

/// The header: two zero bytes, a type, the number of axes, their lengths (32 bits, big-endian). `read` gives the next
/// bytes of the content and returns how many there were.
template <class Read>
ArrayLayout read_header(const std::string& name, Read&& read) {
  std::array<std::byte, 4> magic{};
  if (read(std::span<std::byte>(magic)) < magic.size() || !looks_like_idx(magic)) {
    throw Error(fmt::format("{}: does not begin like an idx file (0, 0, type, number of axes)", name));
  }
  ArrayLayout layout{*idx_type(magic[2]), {}, true, false};
  const int axes = std::to_integer<int>(magic[3]);
  for (int axis = 0; axis < axes; ++axis) {
    std::array<std::byte, 4> length{};
    if (read(std::span<std::byte>(length)) < length.size()) {
      throw Error(fmt::format("{}: ends in its header, before the length of axis {} of {}", name, axis, axes));
    }
    layout.shape.push_back(load_big_endian<std::uint32_t>(length));
  }
  return layout;
}

Array read_plain(const Blob& file, const Context& context) {
  std::size_t offset = 0;
  const ArrayLayout layout = read_header(file.name, [&](std::span<std::byte> out) {
    const std::size_t count = std::min(out.size(), file.bytes.size() - offset);
    std::copy_n(file.bytes.begin() + offset, count, out.begin());
    offset += count;
    return count;
  });
  return make_array(file, offset, layout, context);
}

Array read_gzipped(const Blob& file, const Context& context) {
  Inflater content(file, DeflateFormat::kGzip);
  const ArrayLayout layout = read_header(file.name, [&](std::span<std::byte> out) { return content.read(out); });
  const std::size_t size = byte_size(layout, file.name);
  if (size / kLargestDeflateRatio > file.bytes.size()) {
    throw Error(fmt::format("{}: its header promises {} bytes, more than {} compressed bytes can hold", file.name, size,
                            file.bytes.size()));
  }
  context.check_memory(size, file.name);
  std::vector<std::byte> values(size);
  const std::size_t got = content.read(values);
  if (got < size) {
    throw Error(fmt::format("{}: holds {} bytes of values, its header promises {}", file.name, got, size));
  }
  std::byte beyond{};
  if (content.read(std::span(&beyond, 1)) != 0) {
    throw Error(fmt::format("{}: holds more than the {} bytes of values that its header promises", file.name, size));
  }
  return make_array(make_blob(file.name, std::move(values)), 0, layout, context);
}

std::optional<std::filesystem::path> labels_beside(const std::filesystem::path& images) {
  std::string name = images.filename().string();
  const auto replace = [&name](std::string_view from, std::string_view to) {
    const std::size_t at = name.rfind(from);
    if (at == std::string::npos) return false;
    name.replace(at, from.size(), to);
    return true;
  };
  if (!replace("images", "labels")) return std::nullopt;
  replace("idx3", "idx1");
  const bool is_gz = name.ends_with(".gz");
  const std::string plain = is_gz ? name.substr(0, name.size() - 3) : name;
  for (const std::string& candidate : {name, is_gz ? plain : name + ".gz"}) {
    const std::filesystem::path path = images.parent_path() / candidate;
    if (path_exists(path)) return path;
  }
  return std::nullopt;
}

/// "train" or "t10k" images of a folder, where there are any.
std::optional<std::filesystem::path> images_in(const std::filesystem::path& folder, std::string_view set) {
  for (const char* const name : {"-images-idx3-ubyte", "-images.idx3-ubyte"}) {
    for (const char* const ending : {"", ".gz"}) {
      std::filesystem::path path = folder / (std::string(set) + name + ending);
      if (path_exists(path)) return path;
    }
  }
  return std::nullopt;
}

}  // namespace

bool looks_like_idx(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && bytes[0] == std::byte{0} && bytes[1] == std::byte{0} && idx_type(bytes[2]) &&
         bytes[3] >= std::byte{1} && bytes[3] <= std::byte{4};
}

Array read_idx_array(const Blob& file, const Context& context) {
  return begins_with(file.bytes, "\x1f\x8b") ? read_gzipped(file, context) : read_plain(file, context);
}

Dataset read_idx(const Blob& images, const std::optional<Blob>& labels, const Context& context) {
  std::optional<Array> label_array;
  if (labels) label_array = read_idx_array(*labels, context);
  const Array rows = read_idx_array(images, label_array ? context.without(label_array->bytes.size()) : context);
  return array_dataset(rows, label_array, context);
}

Dataset read_idx(const std::filesystem::path& images, const Context& context) {
  std::optional<Blob> labels;
  if (const auto path = labels_beside(images)) labels = map_blob(*path);
  return read_idx(map_blob(images), labels, context);
}

bool is_idx_folder(const std::filesystem::path& folder) {
  return images_in(folder, "train") || images_in(folder, "t10k");
}

bool has_idx_test_set(const std::filesystem::path& folder) {
  return images_in(folder, "t10k").has_value();
}

Dataset read_idx_folder(const std::filesystem::path& folder, bool test, const Context& context) {
  const char* const set = test ? "t10k" : "train";
  const auto images = images_in(folder, set);
  if (!images) throw Error(fmt::format("{}: {}-images-idx3-ubyte is missing", folder.string(), set));
  if (!labels_beside(*images)) {
    throw Error(
        fmt::format("{}: the labels that go with {} are missing", folder.string(), images->filename().string()));
  }
  return read_idx(*images, context);
}

}  // namespace scorefield

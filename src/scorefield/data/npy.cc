#include "scorefield/data/npy.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

namespace scorefield {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct TypeCode {
  std::string_view code;
  ScalarType type;
};
constexpr TypeCode kTypeCodes[] = {{"u1", ScalarType::kU8},  {"i1", ScalarType::kI8},  {"u2", ScalarType::kU16},
                                   {"i2", ScalarType::kI16}, {"u4", ScalarType::kU32}, {"i4", ScalarType::kI32},
                                   {"u8", ScalarType::kU64}, {"i8", ScalarType::kI64}, {"f2", ScalarType::kF16},
                                   {"f4", ScalarType::kF32}, {"f8", ScalarType::kF64}};

std::string_view code_of(ScalarType type) {
  for (const TypeCode& known : kTypeCodes) {
    if (known.type == type) return known.code;
  }
  throw Bug("a scalar type has a code");
}

/// NumPy's type text, "<f4": byte order, kind, bytes.
ArrayLayout read_type(std::string_view text, const std::string& name) {
  ArrayLayout layout;
  std::string_view rest = text;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
    layout.big_endian = rest[0] == '>';
    rest.remove_prefix(1);
  }
  for (const TypeCode& known : kTypeCodes) {
    if (rest != known.code) continue;
    layout.type = known.type;
    return layout;
  }
  if (rest.starts_with('O')) {
    throw Error(fmt::format("{}: holds Python objects, which can run code when read; save numbers", name));
  }
  throw Error(fmt::format("{}: holds values of type '{}'; taken are integers and floats of 8 to 64 bits", name, text));
}

/// Reads the header's text, a Python dict such as {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& name, std::size_t first_byte)
      : text_(text), name_(name), first_byte_(first_byte) {}

  ArrayLayout read() {
    std::optional<ArrayLayout> type;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::size_t>> shape;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !type) {
        skip_space();
        if (at_ < text_.size() && text_[at_] == '[') {
          throw Error(fmt::format("{}: holds records of several fields; save one array of numbers", name_));
        }
        type = read_type(quoted(), name_);
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = truth();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        fail(fmt::format("the key '{}' is unknown or comes twice", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("something follows the dict");
    if (!type || !fortran_order || !shape) fail("one of descr, fortran_order, shape is missing");
    type->fortran_order = *fortran_order;
    type->shape = std::move(*shape);
    return *type;
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw Error(fmt::format("{}: byte {}: not an npy header: {}", name_, first_byte_ + at_, why));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("expected '{}'", wanted));
  }
  std::string_view quoted() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail("expected a quoted text");
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) fail("a quoted text does not end");
    const std::string_view content = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return content;
  }
  bool truth() {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    fail("expected True or False");
  }
  std::vector<std::size_t> tuple() {
    constexpr std::size_t kMostAxes = 32;  // NumPy's own limit
    std::vector<std::size_t> values;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::size_t value = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc() || values.size() == kMostAxes) fail("expected a shape of up to 32 whole numbers");
      at_ = static_cast<std::size_t>(end - text_.data());
      values.push_back(value);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t first_byte_;
  std::size_t at_ = 0;
};

}  // namespace

bool looks_like_npy(std::span<const std::byte> bytes) {
  return begins_with(bytes, kMagic);
}

Array read_npy_array(const Blob& file, const Context& context) {
  if (!looks_like_npy(file.bytes)) throw Error(fmt::format("{}: does not begin like an npy file", file.name));
  // Magic, version (major, minor), length of the header (2 bytes in version 1, else 4), header.
  if (file.bytes.size() < kMagic.size() + 2) throw Error(fmt::format("{}: ends inside its npy version", file.name));
  const int version = std::to_integer<int>(file.bytes[kMagic.size()]);
  if (version < 1 || version > 3) {
    throw Error(fmt::format("{}: npy version {}; known are 1, 2 and 3", file.name, version));
  }
  const std::size_t length_size = version == 1 ? 2 : 4;
  const std::size_t begin = kMagic.size() + 2 + length_size;
  if (file.bytes.size() < begin) throw Error(fmt::format("{}: ends inside its npy header", file.name));
  const std::size_t length = version == 1 ? load_little_endian<std::uint16_t>(file.bytes, begin - length_size)
                                          : load_little_endian<std::uint32_t>(file.bytes, begin - length_size);
  if (length > file.bytes.size() - begin) throw Error(fmt::format("{}: ends inside its npy header", file.name));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes.data()) + begin, length);
  return make_array(file, begin + length, HeaderText(text, file.name, begin).read(), context);
}

std::string npy_header(ScalarType type, std::span<const std::size_t> shape, std::size_t file_offset) {
  constexpr std::size_t kAlignment = 64;
  std::string axes;
  for (const std::size_t n : shape) axes += fmt::format("{}, ", n);
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 size_of(type) == 1 ? '|' : '<', code_of(type), axes);
  const std::size_t before = kMagic.size() + 4;
  const std::size_t unpadded = file_offset + before + text.size() + 1;
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  text += '\n';
  ensure(text.size() < 0x10000, "the header of an array of up to 32 axes is short");
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  return header + text;
}

void write_npy(const std::filesystem::path& path, ScalarType type, std::span<const std::size_t> shape,
               std::span<const std::byte> values) {
  ensure(byte_size({type, {shape.begin(), shape.end()}}, path.string()) == values.size(), "the values fill the shape");
  AtomicFile file(path);
  file.write(npy_header(type, shape));
  file.write(values);
  file.commit();
}

}  // namespace scorefield

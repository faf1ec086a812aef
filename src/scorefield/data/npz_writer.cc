#include "scorefield/data/npz_writer.h"

#include <zlib.h>

#include <algorithm>

#include "scorefield/base/error.h"
#include "scorefield/data/npy.h"

namespace scorefield {
namespace {

// Offsets and signatures: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3.
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kZip64FieldSize = 20;  // id, length, two numbers
constexpr std::size_t kCrcInLocal = 14;
constexpr std::size_t kFull32 = 0xFFFFFFFF;
constexpr std::uint16_t kVersion = 20;
constexpr std::uint16_t kVersion64 = 45;
constexpr std::uint16_t kFirstOfJanuary1980 = 1 << 5 | 1;

/// Numbers in the order of the format, least significant byte first.
class Record {
 public:
  Record& u16(std::size_t value) { return put(value, 2); }
  Record& u32(std::size_t value) { return put(value, 4); }
  Record& u64(std::size_t value) { return put(value, 8); }
  Record& text(std::string_view value) {
    bytes_ += value;
    return *this;
  }
  std::string_view bytes() const { return bytes_; }

 private:
  Record& put(std::size_t value, int size) {
    for (int k = 0; k < size; ++k) bytes_ += static_cast<char>(value >> (8 * k) & 0xFF);
    return *this;
  }
  std::string bytes_;
};

std::size_t clip32(std::size_t value) {
  return std::min(value, kFull32);
}

}  // namespace

void NpzWriter::begin_array(const std::string& key, ScalarType type, std::span<const std::size_t> shape) {
  end_array();
  Entry entry{key + ".npy", file_.size(), 0, 0};
  ensure(std::none_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == entry.name; }),
         "keys of an npz differ");
  // The local header always has the zip64 field: its own length decides the padding of the npy header, hence the size.
  const std::size_t content = entry.local + kLocalSize + entry.name.size() + kZip64FieldSize;
  const std::string header = npy_header(type, shape, content);
  entry.size = header.size() + byte_size({type, {shape.begin(), shape.end()}}, entry.name);
  Record local;
  local.u32(0x04034b50).u16(kVersion64).u16(0).u16(0).u16(0).u16(kFirstOfJanuary1980).u32(0);
  local.u32(kFull32).u32(kFull32).u16(entry.name.size()).u16(kZip64FieldSize).text(entry.name);
  local.u16(1).u16(16).u64(entry.size).u64(entry.size);
  file_.write(local.bytes());
  missing_ = entry.size;
  entries_.push_back(std::move(entry));
  write_content(std::as_bytes(std::span(header)));
}

void NpzWriter::append(std::span<const std::byte> values) {
  write_content(values);
}

void NpzWriter::write_content(std::span<const std::byte> bytes) {
  ensure(!entries_.empty() && bytes.size() <= missing_, "values fit the array that was begun");
  if (bytes.empty()) return;  // zlib takes a null pointer as a wish for the initial sum
  Entry& entry = entries_.back();
  entry.crc =
      static_cast<std::uint32_t>(crc32_z(entry.crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  file_.write(bytes);
  missing_ -= bytes.size();
}

void NpzWriter::end_array() {
  ensure(missing_ == 0, "an array is complete before the next");
  if (entries_.empty()) return;
  Record crc;
  crc.u32(entries_.back().crc);
  file_.overwrite(entries_.back().local + kCrcInLocal, std::as_bytes(std::span(crc.bytes())));
}

void NpzWriter::finish() {
  end_array();
  const std::size_t begin = file_.size();
  for (const Entry& entry : entries_) {
    Record field;  // of the numbers that need 64 bits, in this order
    if (entry.size >= kFull32) field.u64(entry.size).u64(entry.size);
    if (entry.local >= kFull32) field.u64(entry.local);
    const std::size_t field_size = field.bytes().size();
    Record record;
    record.u32(0x02014b50).u16(kVersion64).u16(field_size == 0 ? kVersion : kVersion64).u16(0).u16(0);
    record.u16(0).u16(kFirstOfJanuary1980).u32(entry.crc).u32(clip32(entry.size)).u32(clip32(entry.size));
    record.u16(entry.name.size()).u16(field_size == 0 ? 0 : field_size + 4).u16(0).u16(0).u16(0).u32(0);
    record.u32(clip32(entry.local)).text(entry.name);
    if (field_size != 0) record.u16(1).u16(field_size).text(field.bytes());
    file_.write(record.bytes());
  }
  const std::size_t end = file_.size();
  const std::size_t count = entries_.size();
  const bool needs_64 = begin >= kFull32 || end - begin >= kFull32 || count >= 0xFFFF;
  Record tail;
  if (needs_64) {
    tail.u32(0x06064b50).u64(44).u16(kVersion64).u16(kVersion64).u32(0).u32(0).u64(count).u64(count);
    tail.u64(end - begin).u64(begin);
    tail.u32(0x07064b50).u32(0).u64(end).u32(1);
  }
  const std::size_t short_count = std::min<std::size_t>(count, 0xFFFF);
  tail.u32(0x06054b50).u16(0).u16(0).u16(short_count).u16(short_count);
  tail.u32(clip32(end - begin)).u32(clip32(begin)).u16(0);
  file_.write(tail.bytes());
  file_.commit();
}

}  // namespace scorefield

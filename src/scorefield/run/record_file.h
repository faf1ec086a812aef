// A growing file of records of one size: what a long run has finished so far, kept through Ctrl-C and crashes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

namespace scorefield {

class RecordFile {
 public:
  /// Opens or makes the file; a record that was cut off at the end is dropped. Throws Error (with the path).
  RecordFile(std::filesystem::path path, std::size_t record_bytes);

  /// Whole records in the file.
  std::size_t size() const { return size_; }
  /// bytes: whole records. They are on disk when it returns. Throws Error when the disk is full or fails.
  void append(std::span<const std::byte> bytes);
  /// Drops the records from `count` on.
  void truncate(std::size_t count);
  /// Calls `use` with the records in order, in blocks of whole records.
  void read(const std::function<void(std::span<const std::byte> bytes)>& use) const;

 private:
  std::filesystem::path path_;
  std::size_t record_bytes_;
  std::size_t size_ = 0;
};

}  // namespace scorefield

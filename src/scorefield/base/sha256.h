// SHA-256 (FIPS 180-4): digests of data and models, so that resume knows when something changed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace scorefield {

class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  /// The bytes of a number as this machine (little-endian) holds it.
  template <class T>
  void update_value(const T& value) {
    update(std::as_bytes(std::span(&value, 1)));
  }
  /// The digest of all bytes so far, 64 hex digits. The object can go on.
  std::string hex() const;

 private:
  void block(const std::byte* bytes);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t length_ = 0;
};

/// Of a file's bytes: what a run's record knows it by. Throws Error as MappedFile.
std::string file_digest(const std::filesystem::path& path);

}  // namespace scorefield

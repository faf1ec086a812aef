// What readers read: bytes in memory and the name that errors give them.
#pragma once

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "scorefield/base/file.h"

namespace scorefield {

/// A file, or an entry of an archive ("set.npz: arr_0.npy"). `owner` keeps the bytes alive.
struct Blob {
  std::string name;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// A memory-mapped file. Throws Error (with the path) when it cannot be read.
inline Blob map_blob(const std::filesystem::path& path) {
  const MappedFile file(path);
  return {path.string(), file.bytes(), file.owner()};
}

/// Blob over bytes that the blob then owns.
template <class Container>
Blob make_blob(std::string name, Container content) {
  const auto owner = std::make_shared<const Container>(std::move(content));
  return {std::move(name), std::as_bytes(std::span(*owner)), owner};
}

/// The unsigned integer at `offset`, least significant byte first. The caller has checked the bounds.
template <class T>
T load_little_endian(std::span<const std::byte> bytes, std::size_t offset = 0) {
  T value = 0;
  for (std::size_t k = 0; k < sizeof(T); ++k) {
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes[offset + k]) << (8 * k)));
  }
  return value;
}

/// The same, most significant byte first.
template <class T>
T load_big_endian(std::span<const std::byte> bytes, std::size_t offset = 0) {
  T value = 0;
  for (std::size_t k = 0; k < sizeof(T); ++k) {
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes[offset + k]) << (8 * (sizeof(T) - 1 - k))));
  }
  return value;
}

/// True when the bytes begin with `prefix`.
inline bool begins_with(std::span<const std::byte> bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::memcmp(bytes.data(), prefix.data(), prefix.size()) == 0;
}

}  // namespace scorefield

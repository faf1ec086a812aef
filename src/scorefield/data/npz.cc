#include "scorefield/data/npz.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "scorefield/data/npy.h"

namespace scorefield {
namespace {

constexpr std::string_view kSuffix = ".npy";

struct Pair {
  std::string_view rows;
  std::string_view labels;
};

/// Arrays that go together. The first is ADM's, the others are in use for images and for the Keras copies of MNIST.
constexpr Pair kPairs[] = {
    {"arr_0", "arr_1"}, {"images", "labels"}, {"x", "y"}, {"x_train", "y_train"}, {"x_test", "y_test"}};

std::string choose_key(const NpzFile& file) {
  for (const Pair& pair : kPairs) {
    if (pair.rows != "x_test" && file.contains(pair.rows)) return std::string(pair.rows);
  }
  const std::vector<std::string> keys = file.keys();
  if (keys.empty()) throw Error(fmt::format("{}: holds no arrays", file.name()));
  if (keys.size() > 1) {
    throw Error(fmt::format("{}: holds the arrays {}; name one with --key", file.name(), fmt::join(keys, ", ")));
  }
  return keys.front();
}

}  // namespace

std::string latents_note(const std::string& digest) {
  return fmt::format("{}{}", kLatentsOf, digest);
}

bool looks_like_npz(const ZipArchive& archive) {
  return std::any_of(archive.entries().begin(), archive.entries().end(),
                     [](const ZipEntry& entry) { return entry.name.ends_with(kSuffix); });
}

std::vector<std::string> NpzFile::keys() const {
  std::vector<std::string> keys;
  for (const ZipEntry& entry : archive_.entries()) {
    if (entry.name.ends_with(kSuffix)) keys.push_back(entry.name.substr(0, entry.name.size() - kSuffix.size()));
  }
  return keys;
}

bool NpzFile::contains(std::string_view key) const {
  return archive_.find(fmt::format("{}{}", key, kSuffix)) != nullptr;
}

Array NpzFile::read(std::string_view key, const Context& context) const {
  const ZipEntry* entry = archive_.find(fmt::format("{}{}", key, kSuffix));
  if (entry == nullptr) {
    throw Error(fmt::format("{}: holds no array '{}'; there are {}", name(), key, fmt::join(keys(), ", ")));
  }
  return read_npy_array(archive_.read(*entry, context), context);
}

NpzFile open_npz(const std::filesystem::path& path) {
  return NpzFile(map_blob(path));
}

Dataset read_npz(const NpzFile& file, const std::string& key, const Context& context) {
  const std::string chosen = key.empty() ? choose_key(file) : key;
  std::optional<Array> labels;
  for (const Pair& pair : kPairs) {
    if (pair.rows == chosen && file.contains(pair.labels)) labels = file.read(pair.labels, context);
  }
  const Array rows = file.read(chosen, labels ? context.without(labels->bytes.size()) : context);
  const Dataset data = array_dataset(rows, labels, context);
  if (!file.contains(kAutoencoderKey)) return data;
  const Array digest = file.read(kAutoencoderKey, context);
  const auto text = digest.values<std::uint8_t>();
  return data.with_note(latents_note({text.begin(), text.end()}));
}

}  // namespace scorefield

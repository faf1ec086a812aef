#include "scorefield/data/cifar.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <sstream>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPixels = std::size_t{3} * 32 * 32;

struct Kind {
  std::string_view name;
  std::size_t label_bytes;  // the last of them is the label
  int coarse_classes;
  int classes;
  std::string_view label_names;

  std::size_t record() const { return label_bytes + kPixels; }
  int coarse_label(const Blob& batch, std::size_t i) const {
    return label_bytes == 1 ? 0 : std::to_integer<int>(batch.bytes[i * record()]);
  }
  int label(const Blob& batch, std::size_t i) const {
    return std::to_integer<int>(batch.bytes[i * record() + label_bytes - 1]);
  }
  bool fits(const Blob& batch, std::size_t i) const {
    return label(batch, i) < classes && coarse_label(batch, i) < coarse_classes;
  }
};

constexpr Kind kKinds[] = {{"CIFAR-10", 1, 1, 10, "batches.meta.txt"},
                           {"CIFAR-100", 2, 20, 100, "fine_label_names.txt"}};

/// The kind whose records fill the batch; where both do, the first whose labels fit throughout.
const Kind* find_kind(const Blob& batch) {
  const Kind* by_size = nullptr;
  for (const Kind& kind : kKinds) {
    if (batch.bytes.empty() || batch.bytes.size() % kind.record() != 0) continue;
    if (by_size == nullptr) by_size = &kind;
    bool fits = true;
    for (std::size_t i = 0; fits && i < batch.bytes.size() / kind.record(); ++i) fits = kind.fits(batch, i);
    if (fits) return &kind;
  }
  return by_size;
}

const Kind& kind_of(const Blob& batch) {
  const Kind* const kind = find_kind(batch);
  if (kind == nullptr) {
    throw Error(fmt::format("{}: {} bytes are no whole number of CIFAR records ({} or {} bytes each)", batch.name,
                            batch.bytes.size(), kKinds[0].record(), kKinds[1].record()));
  }
  return *kind;
}

std::vector<std::string> read_label_names(const fs::path& path, const Kind& kind, const Context& context) {
  std::vector<std::string> names;
  std::istringstream lines(read_text(path, context));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.size() != static_cast<std::size_t>(kind.classes)) {
    throw Error(fmt::format("{}: {} label names; {} has {}", path.string(), names.size(), kind.name, kind.classes));
  }
  return names;
}

}  // namespace

bool looks_like_cifar(std::span<const std::byte> bytes) {
  const Blob batch{{}, bytes, nullptr};
  const Kind* const kind = find_kind(batch);
  if (kind == nullptr) return false;
  for (std::size_t i = 0; i < bytes.size() / kind->record(); ++i) {
    if (!kind->fits(batch, i)) return false;
  }
  return true;
}

bool is_cifar_folder(const fs::path& folder) {
  return path_exists(folder / "data_batch_1.bin") || path_exists(folder / "train.bin");
}

Dataset read_cifar(const std::vector<Blob>& batches, const Context& context) {
  ensure(!batches.empty(), "there is a batch to read");
  const Kind& kind = kind_of(batches.front());
  std::size_t rows = 0;
  for (const Blob& batch : batches) {
    if (batch.bytes.size() % kind.record() != 0) {
      throw Error(fmt::format("{}: {} bytes are no whole number of {} records ({} bytes each)", batch.name,
                              batch.bytes.size(), kind.name, kind.record()));
    }
    rows += batch.bytes.size() / kind.record();
  }
  context.check_memory(rows * kPixels, batches.front().name);
  std::vector<std::uint8_t> pixels(rows * kPixels);
  std::vector<std::int32_t> labels;
  labels.reserve(rows);
  for (const Blob& batch : batches) {
    for (std::size_t i = 0; i < batch.bytes.size() / kind.record(); ++i) {
      if (!kind.fits(batch, i)) {
        throw Error(fmt::format("{}: record {} (byte {}) has the label {}, over the {} classes of {}", batch.name, i,
                                i * kind.record(), kind.label(batch, i), kind.classes, kind.name));
      }
      const std::byte* const from = batch.bytes.data() + i * kind.record() + kind.label_bytes;
      std::memcpy(pixels.data() + labels.size() * kPixels, from, kPixels);
      labels.push_back(kind.label(batch, i));
    }
  }
  return make_dataset(batches.front().name, std::move(pixels), {3, 32, 32}, kImageUnits, std::move(labels));
}

Dataset open_cifar(const fs::path& path, const Context& context) {
  const bool is_folder = fs::is_directory(path);
  const fs::path folder = is_folder ? path : path.parent_path();
  std::vector<Blob> batches;
  if (!is_folder) {
    batches.push_back(map_blob(path));
  } else if (path_exists(folder / "train.bin")) {
    batches.push_back(map_blob(folder / "train.bin"));
  } else {
    for (int k = 1; path_exists(folder / fmt::format("data_batch_{}.bin", k)); ++k) {
      batches.push_back(map_blob(folder / fmt::format("data_batch_{}.bin", k)));
    }
  }
  const Dataset data = read_cifar(batches, context).with_name(path.string());
  const Kind& kind = kind_of(batches.front());
  const fs::path names = folder / kind.label_names;
  return path_exists(names) ? data.with_label_names(read_label_names(names, kind, context)) : data;
}

}  // namespace scorefield

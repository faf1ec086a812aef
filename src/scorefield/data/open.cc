#include "scorefield/data/open.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/data/array.h"
#include "scorefield/data/cifar.h"
#include "scorefield/data/edm_zip.h"
#include "scorefield/data/idx.h"
#include "scorefield/data/image_folder.h"
#include "scorefield/data/image_set.h"
#include "scorefield/data/named.h"
#include "scorefield/data/npy.h"
#include "scorefield/data/npz.h"
#include "scorefield/data/points.h"
#include "scorefield/data/resize.h"
#include "scorefield/data/synthetic.h"
#include "scorefield/data/zip.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

/// Programs that write Python pickles begin them with the protocol's number.
bool looks_like_pickle(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x80} && bytes[1] >= std::byte{2} && bytes[1] <= std::byte{5};
}

bool is_npz(const fs::path& path) {
  if (!path_exists(path) || fs::is_directory(path)) return false;
  const Blob file = map_blob(path);
  return looks_like_zip(file.bytes) && looks_like_npz(ZipArchive(file));
}

Dataset open_file(const fs::path& path, const DatasetOptions& options, const Context& context) {
  const Blob file = map_blob(path);
  if (file.bytes.empty()) throw Error(fmt::format("{}: the file is empty", file.name));
  if (looks_like_zip(file.bytes)) {
    const ZipArchive archive(file);
    if (looks_like_npz(archive)) return read_npz(NpzFile(archive), options.key, context);
    return read_edm_zip(archive, options.resolution, context);
  }
  if (looks_like_npy(file.bytes)) return array_dataset(read_npy_array(file, context), std::nullopt, context);
  if (begins_with(file.bytes, "\x1f\x8b")) return read_idx(path, context);
  // A batch that begins with a black airplane could pass for idx.
  if (looks_like_cifar(file.bytes)) return open_cifar(path, context);
  if (looks_like_idx(file.bytes)) return read_idx(path, context);
  if (looks_like_pickle(file.bytes)) {
    throw Error(
        fmt::format("{}: a Python pickle, which can run code when read; save the arrays with numpy.savez", file.name));
  }
  if (looks_like_image(file.bytes)) {
    throw Error(fmt::format("{}: one picture is no data set; name the folder it lies in", file.name));
  }
  if (looks_like_text(file.bytes)) return read_points(file, context);
  throw Error(
      fmt::format("{}: not a known format; taken are idx (also .gz), npy, npz, CIFAR batches (.bin), zips of PNG or "
                  "JPEG images, and points as text",
                  file.name));
}

Dataset open_folder(const fs::path& path, const DatasetOptions& options, const Context& context) {
  if (is_cifar_folder(path)) return open_cifar(path, context);
  if (is_idx_folder(path)) return read_idx_folder(path, false, context).with_name(path.string());
  return read_image_folder(path, options.resolution, context);
}

/// DIR of "DIR:test", where that is a folder with MNIST's files.
std::optional<fs::path> test_folder(const std::string& spec) {
  constexpr std::string_view kTest = ":test";
  if (!spec.ends_with(kTest) || path_exists(spec)) return std::nullopt;
  fs::path folder = spec.substr(0, spec.size() - kTest.size());
  if (!path_exists(folder) || !fs::is_directory(folder) || !is_idx_folder(folder)) return std::nullopt;
  return folder;
}

Dataset open_spec(const std::string& spec, const DatasetOptions& options, const Context& context) {
  if (!options.key.empty() && !is_npz(spec)) {
    throw Error(fmt::format("{}: --key names an array of an npz, and this is none", spec));
  }
  if (auto named = open_named(spec, context)) return *std::move(named);
  if (is_synthetic(spec)) return make_synthetic(spec, context).data;
  if (path_exists(spec)) {
    return fs::is_directory(spec) ? open_folder(spec, options, context) : open_file(spec, options, context);
  }
  if (const auto folder = test_folder(spec)) return read_idx_folder(*folder, true, context).with_name(spec);
  std::vector<std::string> names = named_datasets();
  const std::vector<std::string> synthetic = synthetic_names();
  names.insert(names.end(), synthetic.begin(), synthetic.end());
  // The parameters of a misspelt synthetic set say nothing about its name.
  const std::string name = nearest_names(spec, names).empty() ? spec.substr(0, spec.find(':')) : spec;
  throw Error(fmt::format("no such file or folder, and {}", unknown_name("data set", name, names)));
}

Dataset select(const Dataset& data, const std::vector<std::size_t>& rows, const Context& context) {
  const std::size_t scalar = std::visit([](const auto& view) { return sizeof(view(0, 0)); }, data.stored());
  context.check_memory(rows.size() * data.dimension() * scalar, data.name());
  return data.select(rows);
}

/// The rows whose label is among `classes`.
Dataset keep_classes(const Dataset& data, const std::vector<int>& classes, const Context& context) {
  if (data.labels().empty()) throw Error(fmt::format("{}: --classes needs labels, and there are none", data.name()));
  const std::set<int> present(data.labels().begin(), data.labels().end());
  for (const int wanted : classes) {
    if (!present.contains(wanted)) {
      throw Error(fmt::format("{}: --classes: no row has the label {}; the labels go from {} to {}", data.name(),
                              wanted, *present.begin(), *present.rbegin()));
    }
  }
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (std::find(classes.begin(), classes.end(), data.labels()[i]) != classes.end()) rows.push_back(i);
  }
  return select(data, rows, context).with_note(fmt::format("classes {}", fmt::join(classes, ",")));
}

Dataset keep_first(const Dataset& data, std::size_t count, const Context& context) {
  if (count == 0) throw Error(fmt::format("{}: --subset 0 leaves no rows", data.name()));
  if (count > data.size()) {
    throw Error(fmt::format("{}: --subset {}: there are only {} rows", data.name(), count, data.size()));
  }
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return select(data, rows, context).with_note(fmt::format("the first {} rows", count));
}

/// "a,b" as numbers. Throws Error when distances in these units could not be squared.
std::optional<Affine> read_affine(std::string_view text) {
  Affine affine;
  const char* const end = text.data() + text.size();
  const auto scale = std::from_chars(text.data(), end, affine.scale);
  if (scale.ec != std::errc() || scale.ptr == end || *scale.ptr != ',') return std::nullopt;
  const auto offset = std::from_chars(scale.ptr + 1, end, affine.offset);
  if (offset.ec != std::errc() || offset.ptr != end) return std::nullopt;
  if (!std::isfinite(affine.scale) || !std::isfinite(affine.offset) || affine.scale == 0) return std::nullopt;
  constexpr double kLeast = 1e-100;
  constexpr double kMost = 1e100;
  if (!(std::abs(affine.scale) >= kLeast && std::abs(affine.scale) <= kMost && std::abs(affine.offset) <= kMost)) {
    throw Error(
        fmt::format("--units {}: A must lie between {} and {} in size, and B within {}, or squares of distances "
                    "would leave the range of numbers; choose units nearer to the values",
                    text, kLeast, kMost, kMost));
  }
  return affine;
}

Dataset set_units(const Dataset& data, const std::string& units) {
  if (units == "stored") return data.with_affine({});
  if (units == "unit" || units == "image") {
    if (!std::holds_alternative<RowsView<const std::uint8_t>>(data.stored())) {
      throw Error(
          fmt::format("{}: --units {} is for 8-bit values; write --units A,B for A * value + B", data.name(), units));
    }
    return data.with_affine(units == "unit" ? Affine{1.0 / 255.0, 0.0} : kImageUnits);
  }
  if (const auto affine = read_affine(units)) return data.with_affine(*affine);
  throw Error(fmt::format("--units '{}': known are unit, image, stored, or A,B for A * value + B (A not 0)", units));
}

}  // namespace

std::string test_set_of(const std::string& spec) {
  const std::string named = held_out_name(spec);
  if (!named.empty()) return named;
  const std::string test = spec + ":test";
  const auto folder = test_folder(test);
  return folder && has_idx_test_set(*folder) ? test : "";
}

Dataset open_dataset(const std::string& spec, const DatasetOptions& options, const Context& context) {
  Dataset data = open_spec(spec, options, context);
  if (!options.classes.empty()) data = keep_classes(data, options.classes, context);
  if (options.subset) data = keep_first(data, *options.subset, context);
  if (options.resolution) data = resize_images(data, *options.resolution, context);
  if (!options.units.empty()) data = set_units(data, options.units);
  return data;
}

}  // namespace scorefield

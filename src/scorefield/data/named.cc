#include "scorefield/data/named.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/data/idx.h"

namespace scorefield {
namespace {

struct NamedSet {
  std::string_view name;
  std::string_view images;
  std::string_view labels;
};

constexpr std::string_view kFashionFolder = "/usr/share/datasets/fashion-mnist";
constexpr std::array kFashionSets = {
    NamedSet{"fashion-mnist", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"},
    NamedSet{"fashion-mnist:test", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"},
};

std::vector<std::string> fashion_labels() {
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
}

}  // namespace

std::vector<std::string> named_datasets() {
  std::vector<std::string> names;
  names.reserve(kFashionSets.size());
  for (const NamedSet& set : kFashionSets) names.emplace_back(set.name);
  return names;
}

std::optional<Dataset> open_named(std::string_view name, const Context& context) {
  for (const NamedSet& set : kFashionSets) {
    if (set.name != name) continue;
    if (const std::string missing = missing_files(name); !missing.empty()) throw Error(missing);
    const std::filesystem::path folder(kFashionFolder);
    const Dataset data = read_idx(map_blob(folder / set.images), map_blob(folder / set.labels), context);
    return data.with_name(std::string(name)).with_label_names(fashion_labels());
  }
  return std::nullopt;
}

std::string missing_files(std::string_view name) {
  const std::filesystem::path folder(kFashionFolder);
  for (const NamedSet& set : kFashionSets) {
    if (set.name != name || (path_exists(folder / set.images) && path_exists(folder / set.labels))) continue;
    return fmt::format("{}: not found in {}; install Debian's package dataset-fashion-mnist", name, kFashionFolder);
  }
  return "";
}

std::string held_out_name(std::string_view name) {
  return name == "fashion-mnist" ? "fashion-mnist:test" : "";
}

}  // namespace scorefield

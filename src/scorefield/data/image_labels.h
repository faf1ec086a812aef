// Labels of images that lie in folders or archives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/blob.h"

namespace scorefield {

struct ImageLabels {
  std::vector<std::int32_t> labels;  // empty, or one a file
  std::vector<std::string> names;    // empty, or the name of label k at k
  std::size_t unused = 0;            // labels given for files that are not there
};

/// Labels are the first folder of each path ("cat/1.png"), counted in bytewise order. No labels when all files lie in
/// one folder. Throws Error, beginning with `set`, when some lie in folders and some do not.
ImageLabels labels_from_folders(const std::vector<std::string>& files, const std::string& set);

/// The labels in EDM's and StyleGAN's dataset.json: {"labels": [["00000/img00000000.png", 6], ...]} or null.
/// Throws Error (name and place) on other contents, a file without a label, a file that comes twice, and
/// memory over the limit.
ImageLabels labels_from_json(const Blob& source, const std::vector<std::string>& files, const Context& context);

/// The name of that file, at the root of the set.
inline constexpr const char* kLabelFile = "dataset.json";

}  // namespace scorefield

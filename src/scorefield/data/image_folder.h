// A folder of PNG and JPEG files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// Every picture in the folder and the folders in it, in bytewise order of their paths. Whether a file is a picture is
/// seen by its first bytes; others are left out and counted in the notes, unless they are named .png, .jpg or .jpeg:
/// then they are errors. Names that begin with a dot are skipped, links are followed.
/// Labels come from a dataset.json, else from the first folder of each path; see image_labels.h.
/// Throws Error on what cannot be read, folders reached twice by links, and as decode_images does.
Dataset read_image_folder(const std::filesystem::path& folder, std::optional<std::size_t> resolution,
                          const Context& context);

}  // namespace scorefield

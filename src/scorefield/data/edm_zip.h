// Archives of images as EDM and StyleGAN have them.
#pragma once

#include <cstddef>
#include <optional>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/data/zip.h"

namespace scorefield {

/// Every entry named .png, .jpg or .jpeg, in bytewise order of the names; others are left out and counted in the notes,
/// as are hidden ones and __MACOSX in silence. Labels come from a dataset.json, else from the first folder of each
/// path; see image_labels.h. Throws Error (file and entry) as ZipArchive and decode_images do.
Dataset read_edm_zip(const ZipArchive& archive, std::optional<std::size_t> resolution, const Context& context);

}  // namespace scorefield

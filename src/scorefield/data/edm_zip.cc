#include "scorefield/data/edm_zip.h"

#include <algorithm>

#include "scorefield/base/error.h"
#include "scorefield/data/image_labels.h"
#include "scorefield/data/image_set.h"

namespace scorefield {
namespace {

bool is_hidden(const std::string& name) {
  return name.front() == '.' || name.find("/.") != std::string::npos || name.starts_with("__MACOSX/");
}

}  // namespace

Dataset read_edm_zip(const ZipArchive& archive, std::optional<std::size_t> resolution, const Context& context) {
  ImageSet set;
  set.name = archive.name();
  for (const ZipEntry& entry : archive.entries()) {
    if (entry.is_folder() || is_hidden(entry.name)) continue;
    if (entry.name == kLabelFile) {
      set.label_file = archive.read(entry, context);
    } else {
      (has_image_name(entry.name) ? set.files : set.left_out).push_back(entry.name);
    }
  }
  std::sort(set.files.begin(), set.files.end());
  std::sort(set.left_out.begin(), set.left_out.end());
  set.read = [&](std::size_t i, const Context& limits) { return archive.read(*archive.find(set.files[i]), limits); };
  return decode_images(set, resolution, context);
}

}  // namespace scorefield

// Many encoded pictures made into one data set: what folders and archives of images share.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

struct ImageSet {
  std::string name;
  std::vector<std::string> files;                         // paths within the set; row i is file i
  std::function<Blob(std::size_t, const Context&)> read;  // the bytes of file i; called from several threads
  std::vector<std::string> left_out;                      // files that are no pictures
  std::optional<Blob> label_file;  // the dataset.json, which else the folders of the paths stand in for
};

/// Whether a path ends in .png, .jpg or .jpeg, in small letters or capitals.
bool has_image_name(const std::string& path);

/// Whether the bytes begin like a format that is read: PNG or JPEG.
bool looks_like_image(std::span<const std::byte> bytes);

/// The data set of the pictures, u8 in image units. When some are grey and some coloured, the grey ones become RGB.
/// With a resolution each is resized to it. What was done to pixels, and what was left out, is declared in the notes.
/// Decoding runs on the pool. Throws Error on a set without pictures, labels that do not fit (see image_labels.h), a
/// picture that cannot be decoded, and pictures of different sizes (with both).
Dataset decode_images(const ImageSet& set, std::optional<std::size_t> resolution, const Context& context);

}  // namespace scorefield

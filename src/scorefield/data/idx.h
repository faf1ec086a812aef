// The IDX format of MNIST and its kin (yann.lecun.com/exdb/mnist), plain or gzipped.
#pragma once

#include <filesystem>
#include <optional>

#include "scorefield/base/context.h"
#include "scorefield/data/array.h"

namespace scorefield {

/// True when the bytes begin like an idx file.
bool looks_like_idx(std::span<const std::byte> bytes);

/// The array in an idx file, gzipped or not. Memory-mapped bytes are shared, not copied, where the values allow it.
/// Throws Error (file and byte) when the header is not idx or says another size than the file has.
Array read_idx_array(const Blob& file, const Context& context);

/// A data set of images or vectors and, where given, its labels; see array_dataset for what the values become.
Dataset read_idx(const Blob& images, const std::optional<Blob>& labels, const Context& context);

/// The same for a path; labels are taken from the file beside it that is named like it, with `labels` for `images` and
/// `idx1` for `idx3` (train-images-idx3-ubyte.gz: train-labels-idx1-ubyte.gz), gzipped or not.
Dataset read_idx(const std::filesystem::path& images, const Context& context);

/// True for a folder that holds MNIST's training or test images, under their own names (train-images-idx3-ubyte, also
/// train-images.idx3-ubyte; plain or .gz).
bool is_idx_folder(const std::filesystem::path& folder);

/// Whether the test images are among them.
bool has_idx_test_set(const std::filesystem::path& folder);

/// Images and labels of such a folder: the training set, or the test set (t10k). Throws Error (file) where the images
/// or their labels are missing.
Dataset read_idx_folder(const std::filesystem::path& folder, bool test, const Context& context);

}  // namespace scorefield

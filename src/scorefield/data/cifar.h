// CIFAR-10 and CIFAR-100, the "binary version" (www.cs.toronto.edu/~kriz/cifar.html).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/blob.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// True when the size and the labels of all records fit CIFAR-10 (one label, below 10, and 3072 pixels a record) or
/// CIFAR-100 (coarse label below 20, fine label below 100, 3072 pixels).
bool looks_like_cifar(std::span<const std::byte> bytes);

/// True for a folder that holds data_batch_1.bin or train.bin.
bool is_cifar_folder(const std::filesystem::path& folder);

/// The records of all batches, in order, as [3, 32, 32] images with 10 labels, or the 100 fine ones.
/// Throws Error (file and record) when a batch is neither, is of another kind than the first, or is cut short.
Dataset read_cifar(const std::vector<Blob>& batches, const Context& context);

/// A batch, or a folder's training set: data_batch_1.bin, data_batch_2.bin, ... or train.bin. Label names come from
/// batches.meta.txt or fine_label_names.txt beside the data, if there.
Dataset open_cifar(const std::filesystem::path& path, const Context& context);

}  // namespace scorefield

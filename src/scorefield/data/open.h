// From what a user writes after --data to a data set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// What may be asked of a data set besides its name; every field has a command-line option of the same name.
struct DatasetOptions {
  std::string key;                    // the array inside an .npz
  std::vector<int> classes;           // keep these labels only (labels keep their numbers); empty: all
  std::optional<std::size_t> subset;  // the first n rows after `classes`; more than there are is an Error
  std::string units;  // "" (the reader's own), "unit" ([0,1]), "image" ([-1,1]), "stored", or "a,b": a*stored+b
  std::optional<std::size_t> resolution;  // centre crop and area resize of images to this height and width
};

/// `spec`: a name (`fashion-mnist`, `fashion-mnist:test`, a synthetic set such as `ring:modes=8,n=2000`) or a path; the
/// reader is chosen by what the file holds, never by its name alone.
/// Throws Error when nothing fits (with the names that are near), or the reader refuses.
Dataset open_dataset(const std::string& spec, const DatasetOptions& options, const Context& context);

/// The test set that goes with a training set, a named one or a folder of MNIST's files; "" when there is none.
std::string test_set_of(const std::string& spec);

}  // namespace scorefield

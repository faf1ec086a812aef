// Data sets known by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// The names, for help texts and for errors.
std::vector<std::string> named_datasets();

/// `fashion-mnist` and `fashion-mnist:test`: 60000 and 10000 grey images of 28 x 28 with ten labels, from Debian's
/// package dataset-fashion-mnist. Nothing when the name is not known.
/// Throws Error with missing_files() when the files are not installed.
std::optional<Dataset> open_named(std::string_view name, const Context& context);

/// Which files of a named set are not installed, and the package to install; empty when they are there.
std::string missing_files(std::string_view name);

/// The name of the test set that goes with a named training set; empty when there is none.
std::string held_out_name(std::string_view name);

}  // namespace scorefield

// Near names, for "did you mean" in errors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace scorefield {

/// Edit distance (insertions, deletions, substitutions, swaps of neighbours; optimal string alignment), ASCII letters
/// compared without case.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The names within an edit of every three letters of `name`, or that begin with it; nearest first, ties in the order
/// given.
std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& names);

/// The text of an Error: "unknown schedule 'karas'; did you mean 'karras'?", or the whole list when nothing is near.
std::string unknown_name(std::string_view kind, std::string_view name, const std::vector<std::string>& names);

}  // namespace scorefield

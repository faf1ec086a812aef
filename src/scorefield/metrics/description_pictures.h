// The pictures that go with a description.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/metrics/description.h"

namespace scorefield {

/// Writes into `folder`, and returns the names of the pictures (figures also as .svg and .csv):
///   rows.png              images: random rows, a line a label; points: where they lie, or a histogram a coordinate
///   spectrum.png          variance of the principal components, what they explain, and rows in the first two
///   distances.png         d1 (histogram) and d1/d2 (cumulative), within and from the held-out set
///   duplicates.png        images: the first two rows of groups of equal rows, above each other
///   closest_pairs.png     images: the closest pairs of different rows
///   held_out_closest.png  images: the held-out rows that are nearest to a training row, above that row
/// Which rows are drawn depends on `seed` alone. held_out: as describe() was given it.
std::vector<std::string> write_description_pictures(const Dataset& data, const Dataset* held_out,
                                                    const DataDescription& description, std::uint64_t seed,
                                                    const std::filesystem::path& folder, const Context& context);

}  // namespace scorefield

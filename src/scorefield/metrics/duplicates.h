// Rows that are in a data set more than once, exactly or nearly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/metrics/neighbours.h"

namespace scorefield {

/// Groups of two or more rows with equal values, each ascending; the groups by their first row. Labels do not count.
/// Hashes whole rows, then compares those that share a hash: O(N d). Scratch: 16 bytes a row.
std::vector<std::vector<std::uint32_t>> exact_duplicates(const Dataset& data, const Context& context);

/// Two rows of one data set, first < second, or, between two data sets, a row of each.
struct RowPair {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  double distance = 0.0;  // data units
  bool operator==(const RowPair&) const = default;
};

/// The pairs at 0 < distance <= threshold that a leave-one-out search of `rows` found, nearest first, each once. It saw
/// the two nearest of every row, so of larger clusters not every pair is listed.
std::vector<RowPair> near_pairs(const NearestTwo& nearest, std::span<const std::size_t> rows, double threshold);

}  // namespace scorefield

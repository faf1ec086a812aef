// How many directions the variance of a data set lies in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

struct Spectrum {
  /// Rows it was taken from: all, or a random subset where all would cost too much. The spectrum of n rows has at most
  /// n - 1 directions, its leading variances are too large and its ranks too small.
  std::size_t rows = 0;
  double total_variance = 0.0;    // data units squared
  std::vector<double> variances;  // of the principal components, falling; min(rows, d) of them
  std::vector<double> mean;       // [d]
  Rows leading;                   // [min(2, rows, d), d], unit vectors
};

inline constexpr std::array kExplainedShares = {0.5, 0.9, 0.95, 0.99};

/// How many of n rows of length d principal components are taken from when they may cost `multiply_adds`; at least one.
std::size_t affordable_rows(std::size_t n, std::size_t d, double multiply_adds);

/// multiply_adds: what it may cost, so that the choice of rows does not depend on the machine.
Spectrum spectrum(const Dataset& data, std::uint64_t seed, const Context& context, double multiply_adds = 2e11);

/// The smallest number of components that hold at least `share` of the variance; 0 when there is no variance.
std::size_t components_for(const Spectrum& spectrum, double share);

/// The chosen rows in the leading directions, [rows.size(), spectrum.leading.rows()], from the mean.
Rows leading_scores(const Spectrum& spectrum, const Dataset& data, std::span<const std::size_t> rows);

}  // namespace scorefield

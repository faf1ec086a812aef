// One dynamic programme for the best path of every number of steps (GITS; Chen et al. 2024, arXiv 2405.11326).
#pragma once

#include <cstddef>
#include <vector>

#include "scorefield/search/euler_costs.h"

namespace scorefield {

/// paths[k - 1]: the k + 1 nodes, from the first level to the last, of the cheapest path of k steps; among equal ones
/// that with the earliest nodes. The cost of a path 0 = p_0 < ... < p_k is sum_m coefficient^m cost(p_m, p_m+1): above
/// 1 it weighs late steps more, and so moves nodes to small noise.
///   V[j][1] = cost(j, last),   V[j][k] = min_i>j cost(j, i) + coefficient V[i][k - 1]
/// Throws Error when most_steps is 0 or more than the grid has, or the coefficient is not above 0 and finite.
std::vector<std::vector<std::size_t>> cheapest_paths(const CostMatrix& costs, double coefficient,
                                                     std::size_t most_steps);

}  // namespace scorefield

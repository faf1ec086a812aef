#include "scorefield/search/cheapest_paths.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "scorefield/base/error.h"

namespace scorefield {

std::vector<std::vector<std::size_t>> cheapest_paths(const CostMatrix& costs, double coefficient,
                                                     std::size_t most_steps) {
  const std::size_t n = costs.levels.size();
  if (most_steps == 0 || most_steps >= n) {
    throw Error(fmt::format("a grid of {} levels has paths of 1 to {} steps, not {}; take a finer --grid", n, n - 1,
                            most_steps));
  }
  if (!(coefficient > 0) || std::isinf(coefficient)) {
    throw Error(fmt::format("--coefficient must be above 0 and finite, got {}; GITS has 1.15", coefficient));
  }
  constexpr double kNever = std::numeric_limits<double>::infinity();
  // rest[j]: cost of the cheapest path of k steps from j to the last level; next[k - 1][j]: its next node.
  std::vector<double> rest(n, kNever);
  std::vector<std::vector<std::size_t>> next(most_steps, std::vector<std::size_t>(n, n - 1));
  for (std::size_t j = 0; j + 1 < n; ++j) rest[j] = costs(j, n - 1);
  std::vector<std::vector<std::size_t>> paths;
  for (std::size_t k = 1; k <= most_steps; ++k) {
    if (k > 1) {
      std::vector<double> longer(n, kNever);
      for (std::size_t j = 0; j + 1 < n; ++j) {
        for (std::size_t i = j + 1; i + 1 < n; ++i) {
          const double cost = costs(j, i) + coefficient * rest[i];
          if (!(cost < longer[j])) continue;
          longer[j] = cost;
          next[k - 1][j] = i;
        }
      }
      rest = std::move(longer);
    }
    std::vector<std::size_t> path = {0};
    for (std::size_t left = k; left > 0; --left) path.push_back(next[left - 1][path.back()]);
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace scorefield

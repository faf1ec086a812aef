// The cost of every single Euler step between the levels of a fine grid (GITS; Chen et al. 2024, arXiv 2405.11326).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "scorefield/search/schedule_problem.h"

namespace scorefield {

/// How far a step from level i to level j misses the teacher's state x_j, mean over the seeds.
enum class CostMetric {
  kL1,         // sum of |differences|
  kL2,         // length of the difference
  kDeviation,  // how much further than x_j it lies from the chord from the teacher's first to its last state
};

/// "l1", "l2", "dev"; throws Error with near names.
CostMetric find_cost_metric(std::string_view name);

struct CostMatrix {
  std::vector<double> levels;  // [n], descending
  std::vector<double> values;  // [n, n], row-major; cost of the step from i to j > i, data units; 0 for j <= i

  double operator()(std::size_t i, std::size_t j) const { return values[i * levels.size() + j]; }
};

/// levels: of the teacher's run, which starts as the problem's does. From its state x_i and eps_i = (x_i - D_i)/sigma_i
/// a step to j is x_i + (sigma_j - sigma_i) eps_i. The teacher's states are held for one batch of seeds at a time: 2 n
/// d doubles a seed. Throws Error for a teacher that is not an ODE sampler.
CostMatrix euler_costs(const ScheduleProblem& problem, const std::vector<double>& levels, const SamplerEntry& teacher,
                       CostMetric metric, std::span<const std::uint64_t> seeds, const Context& context);

}  // namespace scorefield

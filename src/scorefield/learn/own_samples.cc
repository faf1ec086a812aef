#include "scorefield/learn/own_samples.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

Rows own_samples(const Field& field, const SigmaRange& range, std::size_t count, int label, const Context& context) {
  ScheduleOptions schedule;
  schedule.sigma_max = std::min(schedule.sigma_max, range.most);
  schedule.sigma_min = std::max(schedule.sigma_min, range.least);
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), std::uint64_t{0});
  const SamplerEntry& heun = find_sampler("heun");
  const Sampling sampling{.field = field, .sampler = heun, .levels = noise_levels(schedule)};
  return sample(sampling, seeds, std::vector{label}, nullptr, context).x;
}

}  // namespace scorefield

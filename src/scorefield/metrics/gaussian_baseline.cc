#include "scorefield/metrics/gaussian_baseline.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/pca.h"
#include "scorefield/base/random.h"
#include "scorefield/base/subset.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/spectrum.h"
#include "scorefield/metrics/value_statistics.h"

namespace scorefield {

ValueRange value_range(const Dataset& data, const Context& context) {
  const ValueStatistics values = value_statistics(data, context);
  return {values.low, values.high};
}

Dataset gaussian_baseline(const Dataset& data, std::size_t count, std::uint64_t seed, const Context& context) {
  constexpr double kMultiplyAdds = 2e11;
  const std::size_t d = data.dimension();
  const std::size_t rows = affordable_rows(data.size(), d, kMultiplyAdds);
  const Dataset part = rows < data.size() ? data.select(random_subset(seed, data.size(), rows)) : data;
  const PrincipalComponents components =
      principal_components(part.stored(), part.affine(), std::min(part.size(), d), context);
  const ValueRange range = value_range(data, context);
  context.check_memory(count, d * sizeof(double), "draws from a Gaussian");
  std::vector<double> values(count * d);
  run_tasks(context.pool, count, [&](std::size_t i, int /*worker*/) {
    context.check_cancelled();
    std::vector<double> noise(components.variances.size());
    RandomStream(seed, Purpose::kDataNoise, i).normals(noise);
    const std::span<double> x(values.data() + i * d, d);
    std::ranges::copy(components.mean, x.begin());
    for (std::size_t k = 0; k < noise.size(); ++k) {
      const double along = std::sqrt(components.variances[k]) * noise[k];
      const auto vector = components.vectors[k];
      for (std::size_t c = 0; c < d; ++c) x[c] += along * vector[c];
    }
    for (double& value : x) value = std::clamp(value, range.low, range.high);
  });
  return make_dataset("gaussian", std::move(values), data.shape());
}

}  // namespace scorefield

#include "scorefield/experiment/mixture_field.h"

#include <fmt/format.h>

#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/data/synthetic.h"

namespace scorefield {

GaussianMixture mixture_field(std::string_view spec, const Context& context) {
  const SyntheticTruth truth = make_synthetic(spec, context).truth;
  if (truth.half_side != 0) throw Error(fmt::format("{} is no mixture of Gaussians", spec));
  const std::size_t d = truth.means.cols();
  std::vector<GaussianComponent> components;
  for (std::size_t k = 0; k < truth.weights.size(); ++k) {
    // Covariance::low_rank() wants the factors as rows.
    Rows factors(truth.rank, d);
    const RowsView<const double> columns = truth.factor(k);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < truth.rank; ++j) factors(j, i) = columns(i, j);
    }
    components.push_back({.weight = truth.weights[k],
                          .mean = {truth.means[k].begin(), truth.means[k].end()},
                          .covariance = Covariance::low_rank(factors.view(), truth.noise_sd * truth.noise_sd),
                          .label = static_cast<int>(k)});
  }
  return GaussianMixture(std::move(components));
}

}  // namespace scorefield

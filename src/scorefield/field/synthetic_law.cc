#include "scorefield/field/synthetic_law.h"

#include "scorefield/base/error.h"

namespace scorefield {

GaussianMixture synthetic_law(const SyntheticTruth& truth) {
  if (truth.half_side != 0) {
    throw Error("rows drawn uniformly from squares have no law of Gaussians; take the field of the rows themselves");
  }
  const std::size_t d = truth.means.cols();
  std::vector<GaussianComponent> components(truth.weights.size());
  for (std::size_t k = 0; k < components.size(); ++k) {
    Rows columns(truth.rank, d);
    for (std::size_t r = 0; r < truth.rank; ++r) {
      for (std::size_t j = 0; j < d; ++j) columns(r, j) = truth.factor(k)(j, r);
    }
    components[k].weight = truth.weights[k];
    components[k].mean.assign(truth.means[k].begin(), truth.means[k].end());
    components[k].covariance = Covariance::low_rank(columns.view(), truth.noise_sd * truth.noise_sd);
    components[k].label = truth.labels.empty() ? -1 : truth.labels[k];
  }
  return GaussianMixture(std::move(components));
}

}  // namespace scorefield

// The law that a synthetic data set is drawn from, as a field.
#pragma once

#include "scorefield/data/synthetic.h"
#include "scorefield/field/mixture.h"

namespace scorefield {

/// Component k is N(means[k], F_k F_k^T + noise_sd^2 I), of the class labels[k]. Throws Error for a law that is no
/// mixture of Gaussians (the checkerboard's squares).
GaussianMixture synthetic_law(const SyntheticTruth& truth);

}  // namespace scorefield

// Estimates with their errors: proportions, means and quantiles of a sample.
#pragma once

#include <cstddef>
#include <span>

#include "scorefield/metrics/estimate.h"

namespace scorefield {

/// A count out of `total` with an interval for the underlying probability.
struct Proportion {
  std::size_t count = 0;
  std::size_t total = 0;
  double value = 0.0;  // count / total
  double low = 0.0;
  double high = 1.0;
};

/// The exact (Clopper & Pearson 1934) interval: it covers the true probability at least at the confidence asked, for
/// every total and probability. Throws Error when total is 0, count > total or confidence is outside (0, 1).
Proportion binomial_interval(std::size_t count, std::size_t total, double confidence = 0.95);

/// The mean, and the standard error that comes from having seen only a part of the population.
/// values: a simple random sample without replacement from `population` values; population 0 means without end.
/// standard error = s/sqrt(n) sqrt(1 - n/population): 0 when everything was seen, NaN for one value of a larger
/// population. Throws Error when there are no values or more than the population has.
Estimate mean_of_sample(std::span<const double> values, std::size_t population);

/// A quantile with an interval for that of the population.
struct Quantile {
  double probability = 0.0;
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
};

/// sorted: ascending, a simple random sample from `population` values (0: without end). The value interpolates between
/// the order statistics (Hyndman & Fan 1996, type 7); the interval runs between the order statistics that bracket it at
/// the confidence asked whatever the distribution (David & Nagaraja 2003, 7.1), the ends of the sample where none does.
/// low = high = value when everything was seen. Throws Error for no values or a probability outside [0, 1].
Quantile quantile_of_sample(std::span<const double> sorted, double probability, std::size_t population,
                            double confidence = 0.95);

}  // namespace scorefield

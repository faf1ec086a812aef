// What values a data set holds: ranges, means and variances, over all and by coordinate.
#pragma once

#include <cstddef>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// Over all N rows, exact to f64 rounding; data units. Variances divide by N (the data set is the population).
struct ValueStatistics {
  double low = 0.0;
  double high = 0.0;
  double share_low = 0.0;   // of all values: those equal to `low`
  double share_high = 0.0;  // and to `high`
  double mean = 0.0;
  double standard_deviation = 0.0;
  double variance = 0.0;  // mean squared distance of a row from the mean row: R^2, the sum of coordinate_variance
  std::vector<double> coordinate_mean;      // [d]
  std::vector<double> coordinate_variance;  // [d]
  std::vector<double> coordinate_low;       // [d]
  std::vector<double> coordinate_high;      // [d]
  std::size_t constant_coordinates = 0;     // with one value in all rows
};

/// Throws Error naming data set, row and position of a value that is not finite.
ValueStatistics value_statistics(const Dataset& data, const Context& context);

}  // namespace scorefield

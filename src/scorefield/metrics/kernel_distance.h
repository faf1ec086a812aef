// The kernel distance of two sets: the squared maximum mean discrepancy, without bias.
#pragma once

#include "scorefield/base/context.h"
#include "scorefield/metrics/grouped_rows.h"

namespace scorefield {

/// Both kernels, between features x, y of length p.
struct KernelDistances {
  Estimate cubic;     // k = (x.y/p + 1)^3: KID (Binkowski et al. 2018)
  Estimate gaussian;  // k = exp(-|x - y|^2 / (2 h^2)), h the bandwidth
};

/// MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j) (Gretton et al. 2012, eq.
/// 3): zero on average for sets of one law, so it may be negative. Sums over pairs of groups are taken once; leaving
/// out a group then takes no further pass (Estimate's error: jackknife).
class KernelDistance {
 public:
  /// The bandwidth h is the median distance between rows of the reference (of its first 500, in their random order); 1
  /// where that is 0. Sets held against one reference are held against it with one kernel.
  KernelDistance(const GroupedRows& reference, const Context& context);

  double bandwidth() const { return bandwidth_; }
  /// Throws Error for rows of another length.
  KernelDistances distances(const GroupedRows& rows, const Context& context) const;

 private:
  /// Sums of both kernels over pairs of groups, [G, G'].
  struct Sums {
    Rows cubic, gaussian;
  };
  Sums sums(const GroupedRows& a, const GroupedRows& b, const Context& context) const;

  const GroupedRows& reference_;  // the caller's
  std::vector<double> centre_;
  double bandwidth_ = 1;
  Sums within_;
};

}  // namespace scorefield

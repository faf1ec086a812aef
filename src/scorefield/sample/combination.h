// Linear combinations of states: every step of every sampler is one.
#pragma once

#include <vector>

#include "scorefield/base/rows.h"
#include "scorefield/sample/time_point.h"

namespace scorefield {

class ThreadPool;

/// What the field answered for the states of a batch.
struct Evaluation {
  TimePoint at;
  Rows x;         // [B, d], VE frame, data units; unit noise where sigma = inf
  Rows denoised;  // [B, d], D(x; sigma)
};

/// sum_j factor_j rows_j. Holds views: what it was given must live until into() was called.
class Combination {
 public:
  /// Terms of the same rows are put together; rows of total factor 0 are never read.
  Combination& add(double factor, RowsView<const double> rows);
  Combination& add_x(double factor, const Evaluation& e) { return add(factor, e.x.view()); }
  Combination& add_denoised(double factor, const Evaluation& e) { return add(factor, e.denoised.view()); }
  /// factor times the noise prediction eps = (x - D)/sigma = dx/dsigma.
  Combination& add_noise(double factor, const Evaluation& e);
  /// factor times du/dt of the probability-flow ODE, in the process's own state.
  Combination& add_slope(double factor, const Evaluation& e);

  /// Every value is the sum of its terms in the order in which their rows were first added, so its bits depend on its
  /// row alone. out may be one of the rows.
  void into(RowsView<double> out, ThreadPool* pool) const;

 private:
  struct Term {
    double factor;
    RowsView<const double> rows;
  };
  std::vector<Term> terms_;
};

}  // namespace scorefield

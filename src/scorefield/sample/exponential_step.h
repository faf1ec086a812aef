// What the solvers in log sigma share: a step from one noise level to the next, solved exactly for answers of the field
// that are a polynomial in log sigma between them (variation of constants).
#pragma once

#include <span>
#include <vector>

#include "scorefield/sample/combination.h"

namespace scorefield {

/// What a solver takes to vary slowly: the noise eps = (x - D)/sigma (DPM-Solver; Lu et al. 2022a) or the data D
/// (DPM-Solver++; Lu et al. 2022b).
enum class Prediction { kNoise, kData };

/// From sigma = from to sigma = to, both finite and above 0, with lambda = -log sigma, h = log(from/to) and theta in
/// [0, 1] the share of the step in lambda:
///   kData   x(to) = (to/from) x(from) + h int_0^1 exp(-(1 - theta) h) D dtheta        (Lu et al. 2022b, eq. 8)
///   kNoise  x(to) = x(from) - to h int_0^1 exp((1 - theta) h) eps dtheta              (Lu et al. 2022a, prop. 3.1)
/// In the VE frame alpha = 1; a process's own alpha and sigma give the same states, so these steps are the same in all.
class ExponentialStep {
 public:
  ExponentialStep(Prediction prediction, double from, double to);

  /// The integral of theta^k instead of D or eps: k! h phi_{k+1}(-h), or -k! to h phi_{k+1}(h).
  double moment(int k) const;
  /// The same for k = 0 with the exponential left out: h, or -to h.
  double plain() const;
  /// theta of another noise level: 0 at `from`, 1 at `to`, below 0 before the step.
  double node(double sigma) const;

  /// x carried along, plus the answers at nodes[j] in such weights that theta^k for D or eps contributes moments[k]:
  /// with moments[k] = moment(k) the integral of the polynomial through the nodes, k below their number. Published
  /// formulas differ from it in some of the moments.
  Combination combine(RowsView<const double> x, std::span<const Evaluation* const> nodes,
                      std::span<const double> moments) const;

 private:
  Prediction prediction_;
  double from_;
  double to_;
  double h_;
};

}  // namespace scorefield

// A network as a field: it answers D(x; sigma) as every other does.
#pragma once

#include <memory>
#include <vector>

#include "scorefield/field/field.h"
#include "scorefield/learn/evaluator.h"
#include "scorefield/learn/preconditioning.h"

namespace scorefield {

/// Between data units and the network's: value = (x - offset) * scale, and sigma times scale.
struct NetworkUnits {
  std::vector<double> offset;  // [d]
  double scale = 1;
};

/// What is known of the law that a network has learnt.
struct LearntLaw {
  std::vector<double> mean;  // [d], data units
  double variance = 0;       // E|x_0 - mean|^2, data units squared
};

/// Labels run from 0 to count - 1.
struct NetworkClasses {
  std::size_t count = 0;  // 0: there are none
  bool or_none = true;    // whether it can be asked without a class (-1)
};

/// D = offset + (skip y + out F(in y, label, class))/scale with y the state in the network's units. Evaluated in
/// float32: D carries some 1e-6 of |in y| out. Tells D alone.
class NetworkField final : public Field {
 public:
  NetworkField(std::shared_ptr<const Evaluator> evaluator, std::shared_ptr<const Preconditioner> preconditioner,
               NetworkUnits units, LearntLaw law, NetworkClasses classes);

  std::size_t dimension() const override { return units_.offset.size(); }
  Capabilities capabilities() const override;
  std::span<const double> mean() const override { return law_.mean; }
  double variance() const override { return law_.variance; }
  /// As Field::ask. Throws Error also where the network returns values that are not finite, with the sigma, and
  /// where it needs a class and gets none.
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;

 private:
  std::shared_ptr<const Evaluator> evaluator_;
  std::shared_ptr<const Preconditioner> preconditioner_;
  NetworkUnits units_;
  LearntLaw law_;
  NetworkClasses classes_;
};

}  // namespace scorefield

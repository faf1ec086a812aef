// An exact field made to speak as models do: through a prediction, in double or as a float32 network.
#pragma once

#include <memory>
#include <span>

#include "scorefield/field/field.h"
#include "scorefield/learn/preconditioning.h"
#include "scorefield/process/parametrisation.h"

namespace scorefield {

/// D of `field`, turned into a prediction in the process's own coordinates and back, in double. Tells D alone.
/// `field` must outlive it.
class PredictedField final : public Field {
 public:
  PredictedField(const Field& field, Prediction prediction, std::shared_ptr<const Process> process)
      : field_(field), prediction_(prediction), process_(std::move(process)) {}

  std::size_t dimension() const override { return field_.dimension(); }
  Capabilities capabilities() const override { return {}; }
  std::span<const double> mean() const override { return field_.mean(); }
  double variance() const override { return field_.variance(); }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;

 private:
  const Field& field_;
  Prediction prediction_;
  std::shared_ptr<const Process> process_;
};

/// A NetworkField with `field` in the place of the network: its input, label and output are float32, as those of a
/// network that predicts target.predicts. The label is taken for the nearest of `levels`, so only these may be asked.
/// `field` must outlive it.
std::unique_ptr<const Field> field_as_network(const Field& field, const Target& target, std::span<const double> levels);

}  // namespace scorefield

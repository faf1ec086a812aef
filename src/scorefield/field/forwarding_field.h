// The base of fields that answer as another one does, and something besides: remember, count, watch.
#pragma once

#include "scorefield/field/field.h"

namespace scorefield {

/// Everything but ask() is that of the other field, which must live as long.
class ForwardingField : public Field {
 public:
  explicit ForwardingField(const Field& field) : field_(field) {}

  std::size_t dimension() const override { return field_.dimension(); }
  Capabilities capabilities() const override { return field_.capabilities(); }
  std::span<const double> mean() const override { return field_.mean(); }
  double variance() const override { return field_.variance(); }
  void draw(std::uint64_t seed, int label, std::span<double> out) const override { field_.draw(seed, label, out); }

 protected:
  const Field& field_;
};

}  // namespace scorefield

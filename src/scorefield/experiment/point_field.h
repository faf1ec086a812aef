// Fields that the claims about finite data sets share.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "scorefield/field/field.h"

namespace scorefield {

/// The exact field of a few points with equal weights. points: row-major [n, d], data units.
std::unique_ptr<const Field> point_field(std::span<const double> points, std::size_t dimension, const Context& context);

/// A field whose draws are N(0, I) in place of its own law: with Start::kExact a run then starts from
/// N(0, (1 + sigma_max^2) I), which is N(0, I) in the coordinates of a variance-preserving process.
class UnitNormalStart final : public Field {
 public:
  explicit UnitNormalStart(std::unique_ptr<const Field> field) : field_(std::move(field)) {}

  std::size_t dimension() const override { return field_->dimension(); }
  Capabilities capabilities() const override { return field_->capabilities(); }
  std::span<const double> mean() const override { return field_->mean(); }
  double variance() const override { return field_->variance(); }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override {
    return field_->ask(x, sigma, labels, request, context);
  }
  void draw(std::uint64_t seed, int label, std::span<double> out) const override;

 private:
  std::unique_ptr<const Field> field_;
};

}  // namespace scorefield

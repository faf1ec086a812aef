// Guidance: two fields extrapolated, or a field and what a classifier says (docs/theory/guidance.md).
#pragma once

#include <limits>
#include <optional>

#include "scorefield/field/class_likelihood.h"
#include "scorefield/field/field.h"

namespace scorefield {

/// How strongly to guide at a noise level: `scale` within [sigma_low, sigma_high], 1 outside of it, which is the
/// conditional field itself (Kynkaanniemi et al. 2024, arXiv 2404.07724, Eq. 4).
struct GuidanceScale {
  double scale = 1;
  double sigma_low = 0;
  double sigma_high = std::numeric_limits<double>::infinity();

  double at(double sigma) const { return sigma >= sigma_low && sigma <= sigma_high ? scale : 1; }
};

/// Throws Error for a scale that is not finite, and for an interval that holds no noise level.
void check_guidance(const GuidanceScale& scale);

/// The field to go away from, and the label under which it is asked.
struct Guide {
  const Field& field;
  /// -1: none (classifier-free guidance, Ho & Salimans 2022, arXiv 2207.12598); a class: a negative condition; null:
  /// the label of the query (autoguidance: `field` is a worse one, Karras et al. 2024, arXiv 2406.02507).
  std::optional<int> label = -1;
};

/// D = D_guide + g (D_field - D_guide): at g = 1 the field, at g = 0 the guide, bit for bit. `scale` has g at sigma.
/// For g other than 0 and 1 it is the denoiser of no law: it tells D alone, has no draws, and its mean and variance are
/// those of `field`.
class Guided final : public Field {
 public:
  /// Both fields must live as long. Throws Error when their dimensions differ, and as check_guidance() does.
  Guided(const Field& field, Guide guide, GuidanceScale scale);

  std::size_t dimension() const override { return field_.dimension(); }
  Capabilities capabilities() const override { return {.labels = field_.capabilities().labels}; }
  std::span<const double> mean() const override { return field_.mean(); }
  double variance() const override { return field_.variance(); }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;

 private:
  const Field& field_;
  Guide guide_;
  GuidanceScale scale_;
};

/// D = D_field + g sigma^2 grad log p(label | x; sigma), the field asked without a label (Dhariwal & Nichol 2021, arXiv
/// 2105.05233). With the class likelihood of the field's own law it is Guided with the guide's label -1.
class ClassifierGuided final : public Field {
 public:
  /// Both must live as long. Throws Error when the dimensions differ, and as check_guidance() does.
  ClassifierGuided(const Field& field, const ClassLikelihood& likelihood, GuidanceScale scale);

  std::size_t dimension() const override { return field_.dimension(); }
  Capabilities capabilities() const override { return {.labels = true}; }
  std::span<const double> mean() const override { return field_.mean(); }
  double variance() const override { return field_.variance(); }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;

 private:
  const Field& field_;
  const ClassLikelihood& likelihood_;
  GuidanceScale scale_;
};

}  // namespace scorefield

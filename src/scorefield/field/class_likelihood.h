// What answers log p(class | x; sigma), a classifier of noisy states, and its gradient.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/field/field.h"

namespace scorefield {

/// Log weights up to a constant -> log probabilities, in place.
void log_softmax(std::span<double> logs);

struct ClassAnswer {
  Rows log_probability;  // [B, classes], nats: log p(c | x; sigma); -inf for a class that cannot be
  /// [B, d], sigma^2 grad_x log p(label | x; sigma), data units: what Bayes' rule adds to D (at sigma = inf its limit,
  /// the mean of the class minus the mean of all). Empty when no labels are given.
  Rows shift;
};

/// Const and thread-safe; the answer for a query depends neither on the batch nor on the number of threads.
class ClassLikelihood {
 public:
  virtual ~ClassLikelihood() = default;
  virtual std::size_t dimension() const = 0;
  /// Classes are numbered from 0 to classes() - 1.
  virtual std::size_t classes() const = 0;
  /// x: [B, d] states in the VE frame, data units (unit noise where sigma = inf). sigma: B values or one, in (0, inf].
  /// labels: empty, one for all, or B; -1 has shift 0. Throws Error for what does not fit.
  virtual ClassAnswer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                          const Context& context) const = 0;
};

/// That of a field's own law, by Bayes' rule from the densities of the classes:
///   p(c | x; sigma) = P(c) p_sigma(x | c) / sum_b P(b) p_sigma(x | b),
///   sigma^2 grad log p(y | x; sigma) = sum_c p(c | x; sigma) (D_y - D_c), the gradient of a log-softmax.
class ExactClassLikelihood final : public ClassLikelihood {
 public:
  /// field: tells log densities and knows the classes; must live as long. probabilities: P(c), [classes], as
  /// Empirical::class_probabilities(). Throws Error when there are no classes.
  ExactClassLikelihood(const Field& field, std::vector<double> probabilities);

  std::size_t dimension() const override { return field_.dimension(); }
  std::size_t classes() const override { return log_probabilities_.size(); }
  ClassAnswer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                  const Context& context) const override;

 private:
  const Field& field_;
  std::vector<double> log_probabilities_;
};

}  // namespace scorefield

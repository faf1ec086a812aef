// The exact field of a finite data set (docs/theory/posterior.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/data/dataset.h"
#include "scorefield/field/field.h"
#include "scorefield/kernel/posterior.h"

namespace scorefield {

struct EmpiricalOptions {
  Precision precision = Precision::kFast;
  std::vector<double> weights;  // one a row, >= 0, not all 0; empty: equal
};

/// x_0 is a row of a data set: each with the same probability, or in proportion to its weight. Label k restricts it to
/// the rows of class k, -1 to none. Answers are in the data set's data units; what they are exact to says Precision.
class Empirical final : public Field {
 public:
  /// Throws Error for weights that do not fit, rows that are not finite, or memory over the limit.
  Empirical(Dataset data, EmpiricalOptions options, const Context& context);

  const Dataset& data() const { return data_; }
  /// P(class) of a draw, [classes]; empty without labels.
  std::vector<double> class_probabilities() const;

  std::size_t dimension() const override { return data_.dimension(); }
  Capabilities capabilities() const override;
  std::span<const double> mean() const override { return kernel_.mean(); }
  double variance() const override { return kernel_.variance(); }
  /// As Field::ask. Answer::top_k is at most the size of the smallest class that is asked for. Throws Error also for a
  /// class without rows, or whose rows all have weight 0.
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;
  void draw(std::uint64_t seed, int label, std::span<double> out) const override;

 private:
  /// Ascending row numbers of a class; empty for -1, which means all rows.
  std::span<const std::uint32_t> rows_of(int label) const;

  Dataset data_;
  EmpiricalOptions options_;
  std::vector<std::uint32_t> by_class_;  // all rows, by class and then by number; empty without labels
  PosteriorKernel kernel_;
};

}  // namespace scorefield

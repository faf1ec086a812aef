// A network that tells classes apart: log p(class | x; sigma) and its gradient, and its features.
#pragma once

#include <memory>
#include <vector>

#include "scorefield/field/class_likelihood.h"
#include "scorefield/learn/evaluator.h"
#include "scorefield/learn/preconditioning.h"

namespace scorefield {

/// How a row comes to a classifier: in (x - centre), with its label where the network has one. sigma = 0: clean.
struct ClassifierInput {
  std::vector<double> centre;  // [d], data units
  std::shared_ptr<const Preconditioner> preconditioner;
  bool noisy = false;  // asked at sigma > 0; else at 0 alone
};

/// What a classifier of clean rows says.
struct ClassifierAnswer {
  Rows log_probability;  // [B, classes], nats
  Rows features;         // [B, features], what the last layer makes the logits of
};

/// logits, features = F(in (x - centre), label); log p = log softmax(logits). Evaluated in float32, the softmax and its
/// gradient in double. Const and thread-safe, and the answer for a row does not depend on the batch.
class NetworkClassifier final : public ClassLikelihood {
 public:
  /// The evaluator's outputs after the first `classes` are the features.
  NetworkClassifier(std::shared_ptr<const Evaluator> evaluator, ClassifierInput input, std::size_t classes);

  std::size_t dimension() const override { return input_.centre.size(); }
  std::size_t classes() const override { return classes_; }
  std::size_t features() const { return evaluator_->output_size() - classes_; }
  bool is_noisy() const { return input_.noisy; }

  /// As ClassLikelihood::ask(), of a noisy classifier; throws Error for one of clean rows, at sigma = inf with labels
  /// (the network does not tell the limit of the shift), and where the network returns values that are not finite.
  ClassAnswer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                  const Context& context) const override;

  /// Of clean rows [B, d], data units. Throws Error for a noisy classifier, rows of another length, and values that are
  /// not finite, in or out.
  ClassifierAnswer ask_clean(RowsView<const double> x, const Context& context) const;

 private:
  struct Inputs;
  Inputs inputs(RowsView<const double> x, std::span<const double> sigma) const;

  std::shared_ptr<const Evaluator> evaluator_;
  ClassifierInput input_;
  std::size_t classes_;
};

}  // namespace scorefield

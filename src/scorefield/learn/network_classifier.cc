#include "scorefield/learn/network_classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/field/query.h"

namespace scorefield {
namespace {

double of_row(std::span<const double> sigma, std::size_t i) {
  return sigma.size() == 1 ? sigma[0] : sigma[i];
}

/// Of the first outputs of a row. Throws Error where one is not finite.
void log_probabilities(const float* outputs, double sigma, std::span<double> out) {
  std::copy_n(outputs, out.size(), out.begin());
  for (const double logit : out) {
    if (!std::isfinite(logit)) {
      throw Error(fmt::format("the classifier returned {} at sigma = {}, for finite input; its weights must be wrong",
                              logit, sigma));
    }
  }
  log_softmax(out);
}

}  // namespace

struct NetworkClassifier::Inputs {
  std::vector<Preconditioning> at;
  std::vector<float> x;
  std::vector<float> label;
  bool noise_label;

  net::Batch batch() const { return {at.size(), x.data(), noise_label ? label.data() : nullptr, nullptr}; }
};

NetworkClassifier::NetworkClassifier(std::shared_ptr<const Evaluator> evaluator, ClassifierInput input,
                                     std::size_t classes)
    : evaluator_(std::move(evaluator)), input_(std::move(input)), classes_(classes) {
  ensure(evaluator_->input_size() == dimension(), "a network of rows of the data's length");
  ensure(classes_ > 0 && evaluator_->output_size() >= classes_, "a logit for every class");
}

NetworkClassifier::Inputs NetworkClassifier::inputs(RowsView<const double> x, std::span<const double> sigma) const {
  const std::size_t d = dimension();
  Inputs made{{}, std::vector<float>(x.rows * d), {}, input_.noisy};
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double s = of_row(sigma, i);
    made.at.push_back(i > 0 && s == of_row(sigma, i - 1) ? made.at.back() : input_.preconditioner->at(s));
    made.label.push_back(static_cast<float>(made.at[i].label));
    for (std::size_t k = 0; k < d; ++k) {
      const double y = std::isinf(s) ? x(i, k) : x(i, k) - input_.centre[k];
      made.x[i * d + k] = static_cast<float>(made.at[i].in * y);
    }
  }
  return made;
}

ClassAnswer NetworkClassifier::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                                   const Context& context) const {
  if (!input_.noisy) {
    throw Error(
        "this classifier has seen clean rows only; guidance needs one that was trained on noisy ones (--noisy)");
  }
  check_states(x, sigma, labels, dimension(), classes_);
  const Inputs in = inputs(x, sigma);
  const std::size_t outputs = evaluator_->output_size();
  std::vector<float> out(x.rows * outputs);
  ClassAnswer answer;
  answer.log_probability = Rows(x.rows, classes_);
  if (labels.empty()) {
    evaluator_->evaluate(in.batch(), out.data(), context);
    for (std::size_t i = 0; i < x.rows; ++i) {
      log_probabilities(&out[i * outputs], of_row(sigma, i), answer.log_probability[i]);
    }
    return answer;
  }
  if (std::ranges::any_of(sigma, [](double s) { return std::isinf(s); })) {
    throw Error(
        "a classifier network does not tell how to guide at sigma = inf; start at a finite noise level "
        "(--sigma-max)");
  }
  const auto label_of = [&](std::size_t i) { return labels[labels.size() == 1 ? 0 : i]; };
  // d log p_y/d logit_c = [c = y] - p_c
  const auto cotangent = [&](std::size_t i, const float* row, float* slope) {
    std::vector<double> log_p(classes_);
    log_probabilities(row, of_row(sigma, i), log_p);
    std::fill_n(slope, outputs, 0.0F);
    if (label_of(i) < 0) return;
    for (std::size_t c = 0; c < classes_; ++c) slope[c] = static_cast<float>(-std::exp(log_p[c]));
    const auto y = static_cast<std::size_t>(label_of(i));
    slope[y] = static_cast<float>(-std::expm1(log_p[y]));
  };
  std::vector<float> gradient(in.x.size());
  evaluator_->pull_back(in.batch(), cotangent, out.data(), gradient.data(), context);
  answer.shift = Rows(x.rows, x.cols);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double s = of_row(sigma, i);
    log_probabilities(&out[i * outputs], s, answer.log_probability[i]);
    for (std::size_t k = 0; k < x.cols; ++k) answer.shift(i, k) = s * s * in.at[i].in * gradient[i * x.cols + k];
  }
  return answer;
}

ClassifierAnswer NetworkClassifier::ask_clean(RowsView<const double> x, const Context& context) const {
  if (input_.noisy) throw Error("this classifier was trained on noisy rows; here one of clean rows is needed");
  const std::vector<double> sigma = {0};
  if (x.cols != dimension()) {
    throw Error(fmt::format("rows of {} values, but the classifier was trained on rows of {}", x.cols, dimension()));
  }
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (const double v : x[i]) {
      if (!std::isfinite(v)) throw Error(fmt::format("row {} holds a value that is not finite ({})", i, v));
    }
  }
  const Inputs in = inputs(x, sigma);
  const std::size_t outputs = evaluator_->output_size();
  std::vector<float> out(x.rows * outputs);
  evaluator_->evaluate(in.batch(), out.data(), context);
  ClassifierAnswer answer{Rows(x.rows, classes_), Rows(x.rows, features())};
  for (std::size_t i = 0; i < x.rows; ++i) {
    log_probabilities(&out[i * outputs], 0, answer.log_probability[i]);
    std::copy_n(&out[i * outputs + classes_], features(), answer.features[i].begin());
  }
  return answer;
}

}  // namespace scorefield

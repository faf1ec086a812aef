#include "scorefield/learn/network_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {

NetworkField::NetworkField(std::shared_ptr<const Evaluator> evaluator,
                           std::shared_ptr<const Preconditioner> preconditioner, NetworkUnits units, LearntLaw law,
                           NetworkClasses classes)
    : evaluator_(std::move(evaluator)),
      preconditioner_(std::move(preconditioner)),
      units_(std::move(units)),
      law_(std::move(law)),
      classes_(classes) {
  ensure(evaluator_->input_size() == dimension() && evaluator_->output_size() == dimension(),
         "a network from rows of the data's length to rows of that length");
  ensure(law_.mean.size() == dimension(), "a mean of the data's length");
}

Capabilities NetworkField::capabilities() const {
  return {.labels = classes_.count > 0};
}

Answer NetworkField::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                         const Request& request, const Context& context) const {
  check_query(x, sigma, labels, request, classes_.count);
  if (classes_.count > 0 && !classes_.or_none && (labels.empty() || std::ranges::find(labels, -1) != labels.end())) {
    throw Error(
        "the network always needs a class: name one (--class 0), and in guidance what to go away from "
        "(--guide-class 1, or --guide-model); of an imported network, declare the number that it takes for none "
        "(no_class)");
  }
  Answer answer;
  if (!request.denoised) return answer;
  const std::size_t d = dimension();
  std::vector<Preconditioning> at(x.rows);
  std::vector<float> inputs(x.rows * d);
  std::vector<float> noise_labels(x.rows);
  std::vector<std::int32_t> classes(labels.empty() ? 0 : x.rows);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double s = sigma.size() == 1 ? sigma[0] : sigma[i];
    if (i > 0 && (sigma.size() == 1 || s == sigma[i - 1])) {
      at[i] = at[i - 1];
    } else {
      at[i] = preconditioner_->at(s * units_.scale);
    }
    noise_labels[i] = static_cast<float>(at[i].label);
    if (!labels.empty()) classes[i] = labels.size() == 1 ? labels[0] : labels[i];
    for (std::size_t k = 0; k < d; ++k) {
      const double y = std::isinf(s) ? x(i, k) : (x(i, k) - units_.offset[k]) * units_.scale;
      inputs[i * d + k] = static_cast<float>(at[i].in * y);
    }
  }
  std::vector<float> outputs(x.rows * d);
  evaluator_->evaluate({x.rows, inputs.data(), noise_labels.data(), labels.empty() ? nullptr : classes.data()},
                       outputs.data(), context);
  answer.denoised = Rows(x.rows, d);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double s = sigma.size() == 1 ? sigma[0] : sigma[i];
    for (std::size_t k = 0; k < d; ++k) {
      const double y = std::isinf(s) ? x(i, k) : (x(i, k) - units_.offset[k]) * units_.scale;
      const double value = outputs[i * d + k];
      if (!std::isfinite(value)) {
        throw Error(
            fmt::format("the network returned {} at sigma = {}, for finite input; its weights or what was said "
                        "about its inputs must be wrong",
                        value, s));
      }
      answer.denoised(i, k) = units_.offset[k] + (at[i].skip * y + at[i].out * value) / units_.scale;
    }
  }
  return answer;
}

}  // namespace scorefield

#include "scorefield/field/class_likelihood.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/field/query.h"

namespace scorefield {

void log_softmax(std::span<double> logs) {
  const double largest = *std::ranges::max_element(logs);
  double sum = 0;
  for (const double v : logs) sum += std::exp(v - largest);
  const double total = largest + std::log(sum);
  for (double& v : logs) v -= total;
}

ExactClassLikelihood::ExactClassLikelihood(const Field& field, std::vector<double> probabilities) : field_(field) {
  if (probabilities.empty()) throw Error("this field has no classes, so nothing says how likely one is");
  for (const double p : probabilities) {
    if (!(p >= 0) || std::isinf(p)) throw Error(fmt::format("a class cannot have the probability {}", p));
    log_probabilities_.push_back(std::log(p));
  }
}

ClassAnswer ExactClassLikelihood::ask(RowsView<const double> x, std::span<const double> sigma,
                                      std::span<const int> labels, const Context& context) const {
  check_states(x, sigma, labels, dimension(), classes());
  for (const int label : labels) {
    if (label < 0 || std::isfinite(log_probabilities_[static_cast<std::size_t>(label)])) continue;
    throw Error(fmt::format("class {} has the probability 0: nothing can be guided to it", label));
  }
  const bool has_shift = !labels.empty();
  context.check_memory(has_shift ? classes() * x.rows : 0, x.cols * sizeof(double),
                       "the denoised means of all classes");
  ClassAnswer answer;
  answer.log_probability = Rows(x.rows, classes());
  std::vector<Rows> denoised(classes());
  for (std::size_t c = 0; c < classes(); ++c) {
    if (std::isinf(log_probabilities_[c])) {
      for (std::size_t i = 0; i < x.rows; ++i) answer.log_probability(i, c) = log_probabilities_[c];
      continue;
    }
    const auto label = static_cast<int>(c);
    Answer of_class = field_.ask(x, sigma, {&label, 1}, {.denoised = has_shift, .log_density = true}, context);
    for (std::size_t i = 0; i < x.rows; ++i) {
      answer.log_probability(i, c) = log_probabilities_[c] + of_class.log_density[i];
    }
    denoised[c] = std::move(of_class.denoised);
  }
  for (std::size_t i = 0; i < x.rows; ++i) log_softmax(answer.log_probability[i]);
  if (!has_shift) return answer;
  answer.shift = Rows(x.rows, x.cols);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const int label = labels[labels.size() == 1 ? 0 : i];
    if (label < 0) continue;
    const auto own = denoised[static_cast<std::size_t>(label)][i];
    for (std::size_t c = 0; c < classes(); ++c) {
      const double p = std::exp(answer.log_probability(i, c));
      if (p == 0) continue;
      for (std::size_t k = 0; k < x.cols; ++k) answer.shift(i, k) += p * (own[k] - denoised[c](i, k));
    }
  }
  return answer;
}

}  // namespace scorefield

#include "scorefield/field/guidance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

/// The parts refuse labels that they do not know.
constexpr std::size_t kAnyClass = std::numeric_limits<int>::max();

void check_dimensions(std::size_t field, std::size_t other, const char* what) {
  if (field == other) return;
  throw Error(fmt::format("{} is of dimension {}, but the guided field of {}; both must be about the same data", what,
                          other, field));
}

double of_row(std::span<const double> values, std::size_t i) {
  return values[values.size() == 1 ? 0 : i];
}

}  // namespace

void check_guidance(const GuidanceScale& scale) {
  if (!std::isfinite(scale.scale)) throw Error(fmt::format("a guidance scale must be finite, got {}", scale.scale));
  if (!(scale.sigma_low >= 0 && scale.sigma_low < scale.sigma_high)) {
    throw Error(fmt::format("no noise level is between {} and {}; a guidance interval runs from a small to a large one",
                            scale.sigma_low, scale.sigma_high));
  }
}

Guided::Guided(const Field& field, Guide guide, GuidanceScale scale) : field_(field), guide_(guide), scale_(scale) {
  check_guidance(scale);
  check_dimensions(field.dimension(), guide.field.dimension(), "the guide");
}

Answer Guided::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                   const Request& request, const Context& context) const {
  check_query(x, sigma, labels, request, kAnyClass);
  Answer answer = field_.ask(x, sigma, labels, request, context);
  const auto is_guided = [&](double s) { return scale_.at(s) != 1; };
  if (!request.denoised || std::ranges::none_of(sigma, is_guided)) return answer;
  const std::array<int, 1> fixed = {guide_.label.value_or(-1)};
  const auto guide_labels = guide_.label ? std::span<const int>(fixed) : labels;
  const Answer guide = guide_.field.ask(x, sigma, guide_labels, request, context);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double g = scale_.at(of_row(sigma, i));
    if (g == 1) continue;
    for (std::size_t k = 0; k < x.cols; ++k) {
      const double from = guide.denoised(i, k);
      answer.denoised(i, k) = g == 0 ? from : from + g * (answer.denoised(i, k) - from);
    }
  }
  return answer;
}

ClassifierGuided::ClassifierGuided(const Field& field, const ClassLikelihood& likelihood, GuidanceScale scale)
    : field_(field), likelihood_(likelihood), scale_(scale) {
  check_guidance(scale);
  check_dimensions(field.dimension(), likelihood.dimension(), "the classifier");
}

Answer ClassifierGuided::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                             const Request& request, const Context& context) const {
  check_query(x, sigma, labels, request, likelihood_.classes());
  Answer answer = field_.ask(x, sigma, {}, request, context);
  if (!request.denoised || labels.empty()) return answer;
  const ClassAnswer classes = likelihood_.ask(x, sigma, labels, context);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double g = scale_.at(of_row(sigma, i));
    for (std::size_t k = 0; k < x.cols; ++k) answer.denoised(i, k) += g * classes.shift(i, k);
  }
  return answer;
}

}  // namespace scorefield

#include "scorefield/experiment/predicted_field.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/learn/network_field.h"

namespace scorefield {

Answer PredictedField::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                           const Request& request, const Context& context) const {
  check_query(x, sigma, labels, request, 0);
  Answer answer = field_.ask(x, sigma, labels, request, context);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const Marginal at = process_->at(process_->time_of(sigma.size() == 1 ? sigma[0] : sigma[i]));
    const Conversion forth(Prediction::kDenoised, prediction_, at);
    const Conversion back(prediction_, Prediction::kDenoised, at);
    for (std::size_t k = 0; k < x.cols; ++k) {
      const double state = at.scale * x(i, k);
      double& denoised = answer.denoised(i, k);
      denoised = back(state, forth(state, denoised));
    }
  }
  return answer;
}

namespace {

class FieldNetwork final : public net::Network {
 public:
  FieldNetwork(const Field& field, std::shared_ptr<const Preconditioner> preconditioner, std::vector<double> levels)
      : field_(field), preconditioner_(std::move(preconditioner)), levels_(std::move(levels)) {}

  void evaluate(const net::Batch& batch, float* out) override {
    const std::size_t d = field_.dimension();
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const double sigma = level_of(batch.noise_label[i]);
      const Preconditioning at = preconditioner_->at(sigma);
      Rows x(1, d);
      for (std::size_t k = 0; k < d; ++k) x(0, k) = field_.mean()[k] + batch.x[i * d + k] / at.in;
      const Rows denoised = field_.ask(x.view(), std::span(&sigma, 1), {}, {}, {}).denoised;
      for (std::size_t k = 0; k < d; ++k) {
        const double centre = field_.mean()[k];
        out[i * d + k] = static_cast<float>((denoised(0, k) - centre - at.skip * (x(0, k) - centre)) / at.out);
      }
    }
  }
  void forward(const net::Batch& /*batch*/, float* /*out*/) override { no_derivatives(); }
  void pull_back(const float* /*cotangent*/, float* /*gradient*/, float* /*x_gradient*/) override { no_derivatives(); }
  void forward_forms(const net::Batch& /*batch*/, const float* /*probes*/, std::size_t /*count*/, float* /*out*/,
                     float* /*forms*/) override {
    no_derivatives();
  }
  void pull_back_forms(const float* /*cotangent*/, const float* /*form_cotangent*/, float* /*gradient*/) override {
    no_derivatives();
  }

 private:
  static void no_derivatives() { throw_bug("a field in the place of a network is evaluated only", __FILE__, __LINE__); }
  double level_of(double label) const {
    return *std::ranges::min_element(levels_, {},
                                     [&](double level) { return std::abs(preconditioner_->at(level).label - label); });
  }

  const Field& field_;
  std::shared_ptr<const Preconditioner> preconditioner_;
  std::vector<double> levels_;
};

}  // namespace

std::unique_ptr<const Field> field_as_network(const Field& field, const Target& target,
                                              std::span<const double> levels) {
  const std::shared_ptr<const Preconditioner> preconditioner = make_preconditioner(target);
  std::vector<double> above_zero;
  std::ranges::copy_if(levels, std::back_inserter(above_zero), [](double level) { return level > 0; });
  ensure(!above_zero.empty(), "a level above 0");
  auto evaluator = std::make_shared<const Evaluator>(
      [&field, preconditioner, above_zero] {
        return std::make_unique<FieldNetwork>(field, preconditioner, above_zero);
      },
      field.dimension(), field.dimension(), true, preconditioner->at(above_zero.front()).label);
  return std::make_unique<NetworkField>(
      std::move(evaluator), preconditioner, NetworkUnits{{field.mean().begin(), field.mean().end()}, 1},
      LearntLaw{{field.mean().begin(), field.mean().end()}, field.variance()}, NetworkClasses{});
}

}  // namespace scorefield

#include "scorefield/sample/exponential_step.h"

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/sample/interpolation.h"

namespace scorefield {

ExponentialStep::ExponentialStep(Prediction prediction, double from, double to)
    : prediction_(prediction), from_(from), to_(to), h_(std::log(from / to)) {
  ensure(std::isfinite(h_), "a step in log sigma between finite noise levels above 0");
}

double ExponentialStep::moment(int k) const {
  if (k == 0) return prediction_ == Prediction::kData ? -std::expm1(-h_) : to_ - from_;
  const double rate = prediction_ == Prediction::kData ? -h_ : h_;
  // By quadrature: the closed form, a difference of exp and its Taylor polynomial, loses digits in a small step.
  return plain() * integrate([&](double theta) { return std::exp((1 - theta) * rate) * std::pow(theta, k); }, 0.0, 1.0);
}

double ExponentialStep::plain() const {
  return prediction_ == Prediction::kData ? h_ : -to_ * h_;
}

double ExponentialStep::node(double sigma) const {
  return std::log(from_ / sigma) / h_;
}

Combination ExponentialStep::combine(RowsView<const double> x, std::span<const Evaluation* const> nodes,
                                     std::span<const double> moments) const {
  std::vector<double> thetas;
  for (const Evaluation* e : nodes) thetas.push_back(node(e->at.sigma));
  const std::vector<double> weights = moment_weights(thetas, moments);
  Combination next;
  next.add(prediction_ == Prediction::kData ? to_ / from_ : 1, x);
  for (std::size_t j = 0; j < nodes.size(); ++j) {
    if (prediction_ == Prediction::kData) {
      next.add_denoised(weights[j], *nodes[j]);
    } else {
      next.add_noise(weights[j], *nodes[j]);
    }
  }
  return next;
}

}  // namespace scorefield

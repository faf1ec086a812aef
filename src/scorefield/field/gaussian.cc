#include "scorefield/field/gaussian.h"

#include <utility>

namespace scorefield {
namespace {

std::vector<GaussianComponent> one(std::vector<double> mean, Covariance covariance) {
  std::vector<GaussianComponent> components(1);
  components[0].mean = std::move(mean);
  components[0].covariance = std::move(covariance);
  return components;
}

}  // namespace

Gaussian::Gaussian(std::vector<double> mean, Covariance covariance)
    : one_(one(std::move(mean), std::move(covariance))) {}

Capabilities Gaussian::capabilities() const {
  return {.log_density = true, .covariance = true, .draw = true};
}

Answer Gaussian::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                     const Request& request, const Context& context) const {
  check_query(x, sigma, labels, request, 0);
  return one_.ask(x, sigma, labels, request, context);
}

}  // namespace scorefield
